// One exchange: its meaning, the response and its reason, then the request; or two side by side.
let pinned = null, current = null;
async function show(number) {
  picked = number;
  const mine = ++show.last;
  const found = await ask("journal/" + number).catch(error => say(error.message));
  if (found) redraw(() => mine === show.last && detail(found));
}
show.last = 0;
const again = () => show(picked);
// Choosing an exchange chooses its stream as it was then, too, and is in the address.
function chooseExchange(number) {
  const row = byNumber.get(number);
  show(number);
  keepPlace();
  const place = shown.findIndex(one => one.number === number);
  timeline.set(shown, place, performance.now());
  if (place >= 0) timeline.reveal(place);
  if (!row) return;
  if (row.stream && row.code !== "stream_not_found" && row.code !== "basin_not_found") look({ basin: row.basin, name: row.stream });
  turn(number);
}
function detail(found) {
  current = found;
  const { exchange: { number, basin, stream }, row } = found;
  $("which").textContent = `${number} · ${row.operation} · ${stream ? basin + " / " + stream : basin || row.path}`;
  const other = pinned && pinned.row.number !== number ? pinned : null;
  if (!other) return put("detail", parts(found));
  put("detail", el("p", null, `Exchanges ${other.row.number} and ${number}; lines that differ are marked. `, button("Close the comparison", () => { pinned = null; detail(current); })),
    el("div", { class: "pair" }, [other, found].map(one => el("div", { class: "one", "data-number": one.row.number }, el("h3", null, `${one.row.number} · ${one.row.operation}`), parts(one, one === found ? other : found)))));
}
const why = (kind, what) => what && el("p", { class: "why " + kind }, what);
function parts(found, other) {
  const { exchange, pytest, curl, row, meaning } = found, { request, response, number, stream, basin } = exchange;
  const { at: when, began, ended, protocol, connection, session, token_id: token } = exchange;
  const took = ended == null ? "still open" : began ? duration(ended - began) : null;
  return [el("p", { class: "big" }, outcome(row)), el("p", { class: "meaning" }, meaning),
    why("warn", exchange.reason), why("fault", !exchange.reason && row.fault && "injected: " + row.fault), exchange.advice.map(one => why("warn", one)),
    !other && el("p", null, button("Copy as curl", () => copy(curl)), button("Copy as pytest", () => copy(pytest)), button("Compare", () => pin(found), "Compare with another exchange"),
      stream && button("The log then", () => { look({ basin, name: stream }); turn(number); $("log").scrollIntoView(); })),
    el("h3", null, "Answer"), message(response, response?.message, other && (other.exchange.response || {})),
    el("h3", null, "Request"), message(request, `${request.method} ${request.path}${request.query && "?" + request.query}`, other && other.exchange.request),
    el("h3", null, "And"), el("dl", null, pairs({ effect: row.did || "none", took, held: row.held_at && "at its " + row.held_at, at: when && date(when), protocol, connection, session, token }))];
}
function pin(found) {
  pinned = found;
  say(`Choose the exchange to compare ${found.row.number} with`);
  $("rows").focus();
}
const bodyOf = one => one.body == null ? "(the journal keeps no body of it)" : one.document == null ? text(one.body) : JSON.stringify(one.document, null, 2);
const headersText = one => Object.entries(one.headers || {}).map(pair => pair.join(": ")).join("\n");
function message(one, line, other) {
  if (!one) return "None came.";
  const body = other ? bodyOf(one) : one.body != null && one.document != null ? null : bodyOf(one);
  return [line && el("p", { class: "big" }, line), body === null ? el("div", { class: "json" }, tree(one.document)) : body && pre(body, other && other.body !== undefined && bodyOf(other)),
    el("details", { ...message.open, ontoggle: event => { message.open = event.target.open && { open: "" }; } }, el("summary", null, "Headers"), pre(headersText(one), other && headersText(other)))];
}
// Lines that the other one does not have are marked.
function pre(what, other) {
  const all = short(what);
  if (!other && other !== "") return el("pre", { tabindex: 0 }, all);
  const theirs = new Set(other.split("\n").map(one => one.replace(/,$/, "")));
  return el("pre", { tabindex: 0 }, all.split("\n").map(line => theirs.has(line.replace(/,$/, "")) ? line + "\n" : el("mark", null, line + "\n")));
}
