// A call, written as a command of curl and as Python. It is what the page itself would send, with the key in $VOICE_KEY.
//
// A call: { method, path, json | fields and file: { name, filename }, save, lines }. `save` names the file for the answer; `lines`: it is read as it comes.

const quoted = (text) => `'${String(text).replaceAll("'", String.raw`'\''`)}'`;
const address = (path) => (/[?&[\]]/.test(path) ? quoted(location.origin + path) : location.origin + path);
const pairs = (fields) => Object.entries(fields).flatMap(([name, value]) => [value].flat().filter((each) => each !== "").map((each) => [name, each]));

export function curl({ method = "GET", path, json, fields, file, save, lines }) {
  const isForm = fields || file;
  const parts = [`curl${lines ? " -N" : ""}${method === "GET" || ((json || isForm) && method === "POST") ? "" : ` -X ${method}`} ${address(path)}`];
  parts.push(`-H "Authorization: Bearer $VOICE_KEY"`);
  if (json) parts.push(`-H "Content-Type: application/json"`, `-d ${quoted(JSON.stringify(json, null, 2))}`);
  for (const [name, value] of pairs(fields ?? {})) parts.push(`--form-string ${quoted(`${name}=${value}`)}`);
  if (file) parts.push(`-F ${quoted(`${file.name}=@${file.filename}`)}`);
  if (save) parts.push(`--output ${save}`);
  return parts.join(" \\\n  ");
}

export function python({ method = "GET", path, json, fields, file, save, lines }) {
  const options = [`"${path}"`];
  if (json) options.push(`json=${literal(json)}`);
  if (fields) options.push(`data=${literal(grouped(fields))}`);
  if (file) options.push(`files={"${file.name}": open(${literal(file.filename)}, "rb")}`);
  const verb = method.toLowerCase();
  const imports = ["import os", ...(save ? ["from pathlib import Path"] : []), "", "import httpx"];
  const begin = ["", "service = httpx.Client(", `    base_url="${location.origin}",`, `    headers={"Authorization": f"Bearer {os.environ['VOICE_KEY']}"},`, "    timeout=None,", ")"];
  return [...imports, ...begin, ...(lines ? streamed(method, options) : whole(verb, options, save))].join("\n");
}

const whole = (verb, options, save) => [
  `answer = service.${verb}(${options.join(", ")})`,
  "answer.raise_for_status()",
  save ? `Path("${save}").write_bytes(answer.content)` : "print(answer.text)",
];

const streamed = (method, options) => [
  `with service.stream("${method}", ${options.join(", ")}) as answer:`,
  "    answer.raise_for_status()",
  "    for line in answer.iter_lines():",
  "        print(line)",
];

function grouped(fields) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== "" && [value].flat().length));
}

// A value as Python writes it.
export function literal(value, indent = "") {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return JSON.stringify(value);
  const deeper = `${indent}    `;
  const isList = Array.isArray(value);
  const members = isList ? value.map((each) => literal(each, deeper)) : Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}: ${literal(each, deeper)}`);
  const [open, close] = isList ? "[]" : "{}";
  const line = `${open}${members.join(", ")}${close}`;
  return line.length <= 60 ? line : `${open}\n${deeper}${members.join(`,\n${deeper}`)},\n${indent}${close}`;
}
