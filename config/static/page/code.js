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
  if (json) parts.push(`-H "Content-Type: application/json"`, `-d ${quoted(literal(json, AS_JSON))}`);
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

const PYTHON = { null: "None", true: "True", false: "False", comma: ",", step: "    " };
const AS_JSON = { null: "null", true: "true", false: "false", comma: "", step: "  " };
const SHORT = 60;
// characters of a list or an object that stand in one line

// A value as Python writes it, or as JSON.
export function literal(value, words = PYTHON, indent = "") {
  if (value === null || typeof value === "boolean") return words[value];
  if (typeof value !== "object") return JSON.stringify(value);
  const deeper = indent + words.step;
  const isList = Array.isArray(value);
  const written = (each) => literal(each, words, deeper);
  const members = isList ? value.map(written) : Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}: ${written(each)}`);
  const [open, close] = isList ? "[]" : "{}";
  const line = `${open}${members.join(", ")}${close}`;
  return line.length <= SHORT && !line.includes("\n") ? line : `${open}\n${deeper}${members.join(`,\n${deeper}`)}${words.comma}\n${indent}${close}`;
}
