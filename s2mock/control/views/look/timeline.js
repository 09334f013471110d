// The timeline: a row for each exchange, as it comes.
const COLUMNS = ["g", "n", "t", "c", "o", "w", "s", "e", "d"];
const NAMES = { n: "No.", t: "Time", c: "By", o: "Operation", w: "Stream", s: "Status", e: "Effect", d: "Took" };
const timeline = list("rows", (row, tall) => [
  gutter(row, tall), span("n", row.number), span("t", "+" + ((row.began || row.ended) - start).toFixed(3)),
  el("span", { class: "c", title: row.by }, row.by.replace("session ", "s")), span("o", row.operation), el("span", { class: "w", title: `${row.stream || ""} ${row.basin || row.path}` }, row.gap ? [span("name", placeOfRow(row)), span("gap", row.gap)] : placeOfRow(row)),
  outcome(row), el("span", { class: "e", title: row.fault || row.did }, effectOf(row)), tookOf(row)], (row, isEntered) => {
  chooseExchange(row.number);
  if (isEntered || innerWidth < 1000) $("exchange").scrollIntoView();
  if (isEntered) $("detail").focus();
});
// The basin is there where there are several.
const placeOfRow = row => row.stream ? [el("b", null, row.stream), timeline.basins.size > 1 && " " + row.basin] : row.basin || row.path;
const effectOf = row => [row.did, row.fault && span("fault", " " + row.fault), row.held_at && span("warn", ` held at its ${row.held_at}`), row.advice ? span("warn", " advice") : ""];
function outcome(row) {
  const mood = !row.status || row.status >= 500 ? "bad" : row.status >= 400 || row.code ? "warn" : "good";
  return span("s " + mood, row.status ? [row.status, row.code, row.ended == null && "open"].filter(Boolean).join(" ") : "no answer");
}
function tookOf(row) {
  if (row.ended == null) return span("d", "open");
  const seconds = row.began ? row.ended - row.began : 0, took = span("d bar", duration(seconds));
  // The bar is a background, and so no further element of each row.
  took.style.backgroundSize = Math.max(2, 100 * Math.sqrt(seconds / (timeline.longest || 1))) + "% 3px";
  return took;
}
// Where more than a second of the account's time passed between two rows, or of the machine's.
function findGaps() {
  let before = null;
  timeline.longest = 0;
  for (const row of shown) {
    timeline.longest = Math.max(timeline.longest, row.began && row.ended != null ? row.ended - row.began : 0);
    const real = before ? (row.began || row.ended) - (before.began || before.ended) : 0;
    const account = before && row.at != null && before.at != null ? (row.at - before.at) / 1e9 : 0, passed = Math.max(real, account);
    row.gap = passed >= 1 ? duration(passed) + " later" : null;
    row.kind = row.gap ? "later" : "";
    before = row;
  }
}
function take(news) {
  for (const row of news) {
    const known = byNumber.get(row.number);
    if (known) {
      Object.assign(known, row);
    } else {
      byNumber.set(row.number, row);
      rows.push(row);
      start ||= row.began;
    }
    if (row.number === picked) redraw(again);
  }
}
function filter() {
  const left = shown.findIndex(row => rows.length && row.number >= rows[0].number), parsed = parseFilter($("find").value);
  shown = rows.filter(parsed.matches);
  $("unknown").textContent = parsed.unknown.join(" ");
  arrange();
  findGaps();
  fitColumns();
  drawNone();
  timeline.set(shown, shown.findIndex(row => row.number === picked), performance.now(), Math.max(0, left));
  const gone = status?.journal.dropped;
  $("count").textContent = (shown.length < rows.length ? shown.length + " of " : "") + counted(rows.length, "exchange") + (gone ? `, ${gone} before are gone` : "");
  redraw(legend, drawStrip, drawPending);
  slide();
}
// The widths of columns that depend on their content: lanes, and statuses, which are never cut off.
function fitColumns() {
  timeline.basins = new Set(shown.map(row => row.basin));
  const longest = shown.reduce((most, row) => Math.max(most, row.code ? row.code.length + 4 : 0), 9);
  for (const node of [$("rows"), $("columns")]) {
    node.style.setProperty("--gutter", (slots.length ? slots.length * LANE + 4 : 0) + "px");
    node.style.setProperty("--status", longest + 1 + "ch");
  }
  $("columns").style.marginRight = $("rows").offsetWidth - $("rows").clientWidth + "px";
}
// What there is to do as long as nothing came.
function drawNone() {
  const what = shown.length ? "" : rows.length ? "No exchange matches." : status ? "No exchanges yet." : "";
  const key = [what, account, !shown.length].join();
  if (drawNone.key === key) return;
  drawNone.key = key;
  $("rows").hidden = $("columns").hidden = !shown.length;
  $("none").textContent = what;
  if (!what || rows.length || saved) return put("start");
  const token = account || "s2mock", url = location.origin;
  const exports = ["ACCOUNT_ENDPOINT=" + url, "BASIN_ENDPOINT=" + url, "ACCESS_TOKEN=" + token].map(one => "export S2_" + one).join("\n");
  const curl = `curl ${url}/v1/basins -H 'authorization: Bearer ${token}' -H 'content-type: application/json' -d '{"basin":"my-first-basin"}'`;
  put("start", el("p", null, "Point your client here:"), block(exports, "the variables"), el("p", null, "or try it:"), block(curl, "the command"), el("p", null, "All that this page does, any client can: ", el("a", { href: "openapi.json" }, "openapi.json")));
}
const block = (what, name) => el("div", { class: "block" }, el("pre", { tabindex: 0 }, what), button("Copy", () => copy(what), "Copy " + name));
function clear() {
  [rows, shown, byNumber, start] = [[], [], new Map()];
}
function forget(first) {
  if (!rows.length || first <= rows[0].number) return false;
  if (first > lastNumber()) clear();
  else for (const row of rows.splice(0, rows.findIndex(row => row.number >= first))) byNumber.delete(row.number);
  return true;
}
timeline.basins = new Set();
put("columns", COLUMNS.map(name => span(name, NAMES[name])));
