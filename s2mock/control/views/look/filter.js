// The filter of the timeline: words, `field:value`, and a `-` before what is not wanted.
const isRefused = row => row.ended != null && (!row.status || row.status >= 400 || !!row.code);
const KINDS = {
  refused: isRefused, fault: row => !!row.fault, advice: row => row.advice > 0, write: row => row.is_write,
  read: row => row.operation === "read", open: row => row.ended == null, held: row => !!row.held_at, waiting: row => row.ended == null,
};
const FIELDS = {
  number: row => row.number, operation: row => row.operation, stream: row => row.stream, basin: row => row.basin, client: row => row.by,
  status: row => row.status || "none", code: row => row.code, fault: row => row.fault, effect: row => row.did, path: row => row.path,
};
const textOf = row => [row.number, row.operation, row.by, row.basin, row.stream, row.path, row.status || "no answer", row.code, row.did, row.fault && "fault " + row.fault].join(" ").toLowerCase();
const has = (value, part) => String(value ?? "").toLowerCase().includes(part);

// The conditions of a filter, and what is not understood in it.
function parseFilter(given) {
  const conditions = [], unknown = [];
  for (const word of given.toLowerCase().match(/-?(\w+:)?"[^"]*"?|\S+/g) || []) {
    const [, minus, field, quoted] = word.match(/^(-?)(?:(\w+):)?(.*)$/), value = quoted.replaceAll('"', "");
    const test = conditionOf(field, value, word, unknown);
    if (test) conditions.push(minus ? row => !test(row) : test);
  }
  return { matches: row => conditions.every(test => test(row)), unknown };
}
function conditionOf(field, value, word, unknown) {
  if (!field) return value ? row => textOf(row).includes(value) : null;
  if (field === "is") {
    if (!KINDS[value]) unknown.push(`${word}: there are ${Object.keys(KINDS).map(kind => "is:" + kind).join(", ")}.`);
    return KINDS[value];
  }
  const get = FIELDS[field];
  if (!get) {
    unknown.push(`${word}: there is no field ${field}. There are ${Object.keys(FIELDS).join(", ")} and is.`);
    return null;
  }
  if (!value) return null;
  if (field === "number") return row => row.number === +value;
  if (field === "status" && /^\dxx$/.test(value)) return row => String(row.status).startsWith(value[0]);
  return row => has(get(row), value);
}

// The counts above the timeline. Each is a filter, and a second click takes it away.
const COUNTS = [["refused", "refused", "bad"], ["fault", "by a fault", "fault"], ["held", "held now", "warn"], ["waiting", "waiting", ""], ["advice", "advice", "warn"], ["write", "write", ""], ["read", "read", ""]];
const LABELS = { refused: "Refused", fault: "Faults", held: "Held", waiting: "Waiting", advice: "Advice", write: "Writes", read: "Reads" };
function drawStrip() {
  const words = $("find").value.split(/\s+/), waits = pendingNow();
  const numbers = { held: waits.filter(one => one.kind === "held").length, waiting: waits.filter(one => one.kind !== "held").length };
  for (const kind of ["refused", "fault", "advice", "write", "read"]) numbers[kind] = rows.reduce((sum, row) => sum + KINDS[kind](row), 0);
  const key = JSON.stringify([rows.length, numbers, words]);
  if (key === drawStrip.key) return;
  drawStrip.key = key;
  const one = (count, name, kind, isOn, onclick, label) => el("button", { type: "button", id: "only" + label.replace(/\W/g, ""), class: "stat " + (count ? kind : "zero"), "aria-pressed": String(isOn), "aria-label": `${label}: ${count}`, onclick }, el("b", null, count), " " + name + (/write|read|exchange/.test(name) && count !== 1 ? "s" : ""));
  put("strip", one(rows.length, "exchange", "", words.join("") === "", () => setFilter(""), "All exchanges"),
    COUNTS.map(([kind, name, colour]) => one(numbers[kind], name, colour, words.includes("is:" + kind), () => toggleWord("is:" + kind), LABELS[kind])));
}
function toggleWord(word) {
  const words = $("find").value.split(/\s+/).filter(Boolean), rest = words.filter(one => one !== word);
  setFilter((rest.length < words.length ? rest : [...words, word]).join(" "));
}
function setFilter(given) {
  $("find").value = given;
  remember("filter " + account, given);
  redraw(filter);
}
$("find").oninput = () => setFilter($("find").value);
