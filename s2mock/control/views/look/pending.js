// What is pending: operations that are held, read sessions and long polls that wait for records.
function pendingNow() {
  const found = [];
  for (const hold of status?.holds || []) {
    for (const one of hold.held) if (one.is_waiting) found.push({ kind: "held", what: `held at its ${hold.text.match(/at='(\w+)'/)?.[1] || "commit"}`, operation: one.operation, stream: one.stream || one.basin, by: one.by, hold, held: one.held });
  }
  const open = rows.filter(row => row.ended == null);
  for (const row of open) found.push({ kind: "open", what: "session open", operation: row.operation, stream: row.stream, by: row.by, number: row.number, did: row.did });
  for (const one of overview?.streams || []) {
    const polls = one.readers - open.filter(row => row.operation === "read" && row.stream === one.name && row.basin === one.basin).length;
    if (polls > 0) found.push({ kind: "waiting", what: polls === 1 ? "long poll" : polls + " long polls", operation: "read", stream: one.name, by: "", until: untilOf(one.name) });
  }
  return found;
}
function untilOf(stream) {
  const next = status?.waiting.next.find(one => one.what.includes(` of ${stream}:`));
  return next && Math.max(0, (next.until - status.clock.now) / 1e9);
}
const PENDING_KINDS = { "is:held": "held", "is:waiting": "", "is:open": "open" };
function drawPending() {
  const words = $("find").value.split(/\s+/).filter(word => word in PENDING_KINDS);
  const found = pendingNow().filter(one => words.every(word => PENDING_KINDS[word] ? one.kind === PENDING_KINDS[word] : one.kind !== "held"));
  const key = JSON.stringify(found.map(one => ({ ...one, hold: one.hold?.number })));
  if (key === drawPending.key) return;
  drawPending.key = key;
  put("pending", found.slice(0, 50).map(one => el("div", { class: "wait " + one.kind },
    span("tag", one.what), span("o", one.operation), el("b", null, one.stream || ""), span("c", one.by.replace("session ", "s")),
    span("k", one.did || (one.until == null ? "" : `for ${duration(one.until)} at most`)),
    one.number && button("Show " + one.number, () => { chooseExchange(one.number); }),
    one.hold && !saved && button("Let it go", () => act(`holds/${one.hold.number}/release`, "POST", { exchange: one.held }), `Let ${one.operation} go`))),
    found.length > 50 && el("p", { class: "note" }, `and ${found.length - 50} more`));
}
