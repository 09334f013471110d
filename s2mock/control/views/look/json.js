// JSON as an indented tree: what is long is folded, and made when it is unfolded.
const MANY = 20;
function tree(value, isLast = true, name = null, depth = 0) {
  const label = name == null ? "" : JSON.stringify(name) + ": ", comma = isLast ? "" : ",";
  if (!value || typeof value !== "object") return el("div", { class: "leaf" }, label, span("j" + typeof value, short(JSON.stringify(value))), comma);
  const isList = Array.isArray(value), entries = Object.entries(value), [open, close] = isList ? "[]" : "{}";
  if (!entries.length) return el("div", { class: "leaf" }, label + open + close + comma);
  const inside = el("div", { class: "in" }), about = counted(entries.length, isList ? "item" : "member");
  const node = el("details", { class: "tree" }, el("summary", null, label + open, span("k", ` ${about} ${close}${comma}`)), inside, el("div", { class: "end" }, close + comma));
  const fill = () => { if (!inside.firstChild) more(inside, entries, isList, depth, 0); };
  node.ontoggle = fill;
  if (depth < 3 && entries.length <= MANY) {
    node.open = true;
    fill();
  }
  return node;
}
function more(inside, entries, isList, depth, from) {
  const to = Math.min(entries.length, from + 100);
  for (let i = from; i < to; i++) inside.append(tree(entries[i][1], i === entries.length - 1, isList ? null : entries[i][0], depth + 1));
  if (to === entries.length) return;
  const next = button(`${entries.length - to} more`, () => {
    next.remove();
    more(inside, entries, isList, depth, to);
  });
  inside.append(next);
}
const short = what => what.length > 2e4 ? what.slice(0, 2e4) + "… and more" : what;
