// A list that the service gives in pages: the first of them, and those that somebody asks for after it.

import { ask } from "./service.js";

export class Paged {
  // `row` makes the element of one; `more` is the button for the next page, and `none` is shown while there is nothing.
  constructor(path, atOnce, row, { list, more, none }) {
    Object.assign(this, { path, atOnce, row, list, more, none, last: "", asked: 0 });
  }

  clear() {
    this.asked += 1;
    this.last = "";
    this.list.replaceChildren();
  }

  refresh() {
    this.last = "";
    return this.next();
  }

  // Of answers that come together the last one asked for is shown, once; what it shows is returned.
  async next() {
    const turn = (this.asked += 1);
    const after = this.last;
    const page = await ask(`${this.path}?limit=${this.atOnce}${after ? `&after=${after}` : ""}`);
    if (turn !== this.asked) return [];
    const rows = page.data.map(this.row);
    if (after) this.list.append(...rows);
    else this.list.replaceChildren(...rows);
    this.last = page.last_id;
    this.more.hidden = !page.has_more;
    this.none.hidden = this.list.children.length > 0;
    return page.data;
  }
}
