// Each stream has one of eight lanes; a new one replaces the one that was idle for longest.
const HUES = [212, 24, 150, 322, 48, 265, 185, 0, 95, 235, 290, 350], hues = new Map();
const LANE = 13;

// The colour of a stream stays as long as the page does, with any filter.
function hueOf(key) {
  if (!hues.has(key)) hues.set(key, HUES[hues.size % HUES.length]);
  return hues.get(key);
}
function arrange() {
  slots = [];
  gutters.clear();
  const marks = new Map();
  for (const row of shown) if (row.stream) marks.set(row.basin + " " + row.stream, (marks.get(row.basin + " " + row.stream) || 0) + 1);
  const isUseful = marks.size > 1 && [...marks.values()].some(count => count > 1);
  shown.forEach((row, i) => {
    row.up = row.down = 0;
    row.lane = null;
    if (!isUseful) return;
    for (const lane of slots) if (lane.until > (row.began || row.ended)) pass(lane, i);
    if (row.stream) row.lane = laneOf(row, i);
  });
}
function laneOf(row, i) {
  const key = row.basin + " " + row.stream;
  let lane = slots.find(one => one.key === key);
  if (lane) pass(lane, i);
  else {
    const bit = slots.length < 8 ? slots.length : slots.reduce((one, other) => other.last < one.last ? other : one).bit;
    lane = slots[bit] = { name: row.stream, key, bit, last: i, until: 0, hue: hueOf(key) };
  }
  lane.until = Math.max(lane.until, row.ended ?? Infinity);
  return lane;
}
function pass(lane, to) {
  for (let i = lane.last; i < to; i++) {
    shown[i].down |= 1 << lane.bit;
    shown[i + 1].up |= 1 << lane.bit;
  }
  lane.last = to;
}
// The lanes beside a row, with a mark for its client: a square for a write, a circle for a read.
// Most rows have one that another row has, and a copy takes less time.
const gutters = new Map();
function gutter(row, tall) {
  if (!slots.length) return span("g");
  const key = [row.up, row.down, tall, row.lane?.key, row.is_write, row.by].join();
  if (!gutters.has(key)) gutters.set(key, drawGutter(row, tall));
  return gutters.get(key).cloneNode(true);
}
function drawGutter(row, tall) {
  const middle = tall / 2, whole = el("svg", { width: slots.length * LANE + 4, height: tall, "aria-hidden": "true" });
  const x = bit => bit * LANE + 8;
  for (const { bit, hue } of slots) {
    const up = row.up >> bit & 1, down = row.down >> bit & 1;
    if (up || down) whole.append(paint(el("path", { d: `M${x(bit)} ${up ? 0 : middle}V${down ? tall : middle}` }), hue));
  }
  if (row.lane) whole.append(...markOf(row, x(row.lane.bit), middle));
  return span("g", whole);
}
function markOf(row, x, y) {
  const shape = row.is_write ? el("rect", { class: "full", x: x - 6, y: y - 6, width: 12, height: 12, rx: 2 }) : el("circle", { class: "open", cx: x, cy: y, r: 6.5 });
  const client = row.by === "wsgi" ? "w" : row.by.replace(/\D+/, "").slice(-3);
  return [paint(shape, row.lane.hue), paint(el("text", { class: row.is_write ? "on" : "", x, y: y + 3 }, client), row.lane.hue)];
}
function paint(node, hue) {
  node.style.setProperty("--h", hue);
  return node;
}
function legend() {
  const there = new Set(timeline.seen.map(row => row.lane).filter(Boolean)), key = [...there].map(lane => lane.key).join();
  if (legend.key === key) return;
  legend.key = key;
  put("lanes", [...there].slice(0, 12).map(lane => paint(el("li", null, lane.name), lane.hue)), there.size ? el("li", { class: "hint" }, "■ write ● read, with the client's number") : "");
}
