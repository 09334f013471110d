"use strict";
// One page for a running server and for a report in a file.
// Data becomes text and nothing else: there is no innerHTML here.
const $ = id => document.getElementById(id);
const saved = JSON.parse($("data").textContent);
const memory = name => sessionStorage["s2mock " + name] || "";
const remember = (name, value) => { sessionStorage["s2mock " + name] = value; };
let account = saved ? 0 : memory("account"), era = 0, paused = false, abort;
let rows, byNumber, slots, start, shown = [], picked, chosen, at, status, overview, past, then;

function el(name, attributes, ...kids) {
  const made = /svg|path|rect|circle/.test(name) ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const key in attributes) {
    if (typeof attributes[key] === "function") made[key] = attributes[key];
    else made.setAttribute(key, attributes[key]);
  }
  put(made, kids);
  return made;
}
// The keyboard focus stays where it is.
function put(where, ...kids) {
  const node = where.append ? where : $(where), active = document.activeElement, had = node !== active && node.contains(active);
  node.replaceChildren(...kids.flat(9).filter(kid => kid || kid === 0));
  if (had) ([...node.querySelectorAll("button, pre, summary")].find(one => one.textContent === active.textContent) || node).focus({ preventScroll: true });
}
const span = (kind, ...kids) => el("span", { class: kind }, kids);
const button = (text, onclick, name = text) => el("button", { onclick, "aria-label": name }, text);
const lastNumber = () => rows.at(-1)?.number || 0;
const counted = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;
const text = bytes => bytes == null ? "" : bytes.base64 == null ? bytes : "base64 " + bytes.base64;
const date = ns => new Date(ns / 1e6).toISOString();
function say(what) {
  $("said").textContent = what;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => say(""), 4000);
}

// Get data from the server, or from the report.
async function ask(path, query, options = {}) {
  if (saved) {
    const from = saved.accounts[account];
    if (path === "streams/records") return from.records.find(one => one.basin === query.basin && one.stream === query.stream);
    return path.startsWith("journal/") ? from.exchanges[path.slice(8)] : from[path];
  }
  const headers = { ...options.headers }, by = account;
  if (by) headers.authorization = "Bearer " + by;
  if (memory("token")) headers["s2mock-control-token"] = memory("token");
  if (options.body) headers["content-type"] = "application/json";
  const reply = await fetch(path + (query ? "?" + new URLSearchParams(query) : ""), { ...options, headers });
  if (reply.ok) return options.signal ? reply : reply.status === 204 ? null : reply.json();
  const { message } = await reply.json();
  if (reply.status === 403) { $("asking").hidden = false; state(message); }
  // A late refusal of an account that is no longer shown leaves the one that is.
  if (reply.status === 401 && account === (by || 0)) setTimeout(choose, 0, "");
  throw Object.assign(new Error(message), { status: reply.status });
}
$("asking").onsubmit = event => {
  event.preventDefault();
  remember("token", $("token").value);
  $("token").value = "";
  begin();
};

// Draw all changes within a frame together, once.
const stale = new Set();
function redraw(...parts) {
  if (!stale.size) requestAnimationFrame(draw);
  for (const part of parts) stale.add(part);
}
function draw() {
  if (pressed) return requestAnimationFrame(draw);
  const now = [...stale];
  stale.clear();
  for (const part of now) part();
}
// Draw nothing while a row or a button is pressed: an element that is replaced before the release gets no click.
let pressed = null;
onpointerdown = event => { pressed = event.button ? null : event.target.closest("button, .row"); };
onkeydown = event => { if (event.key === " ") pressed = event.target.closest("button"); };
onpointerup = onpointercancel = onkeyup = () => { pressed = null; };
onpointermove = event => { if (!event.buttons) pressed = null; };

// A list that makes elements only for the visible rows.
function list(id, make, pick) {
  const box = $(id), space = el("div", { role: "presentation" });
  let items = [], current = -1, last;
  const height = () => parseInt(getComputedStyle(box).getPropertyValue("--row"));
  const window = () => [Math.max(0, Math.floor(box.scrollTop / height()) - 5), Math.ceil((box.scrollTop + box.clientHeight) / height()) + 5];
  const self = {
    get seen() { return items.slice(...window()); },
    // `gone`: how many rows were removed at the top. The visible rows keep their position.
    set(next, selected, key, gone = 0) {
      const follows = id !== "names" && box.scrollTop + box.clientHeight > box.scrollHeight - 40;
      const top = box.scrollTop - gone * height();
      [items, current, self.key] = [next, selected, key];
      space.style.height = items.length * height() + "px";
      if (follows) box.scrollTop = 1e9;
      else if (gone) box.scrollTop = top;
      self.draw();
    },
    draw() {
      const [first, end] = window(), tall = height(), key = [first, end, tall, current, items.length, self.key].join();
      if (key === last) return;
      last = key;
      const wanted = new Set([current]);
      for (let i = first; i < end; i++) wanted.add(i);
      put(space, [...wanted].filter(i => items[i]).sort((one, other) => one - other).map(i => {
        const node = el("div", { id: id + i, role: "option", "aria-selected": i === current, "aria-setsize": items.length, "aria-posinset": i + 1, class: "row" }, make(items[i], tall));
        node.className += items[i].kind ? " " + items[i].kind : "";
        node.style.top = i * tall + "px";
        return node;
      }));
      if (items[current]) box.setAttribute("aria-activedescendant", id + current);
      else box.removeAttribute("aria-activedescendant");
    },
    go(i, isEntered) {
      i = Math.max(0, Math.min(items.length - 1, i));
      if (!items[i]) return;
      const top = i * height();
      box.scrollTop = Math.min(top, Math.max(box.scrollTop, top + height() - box.clientHeight));
      current = i;
      redraw(self.draw);
      pick(items[i], isEntered);
    },
  };
  box.append(space);
  box.onscroll = () => redraw(self.draw, legend);
  box.onclick = event => {
    const node = event.target.closest(".row");
    if (node) self.go(+node.id.slice(id.length));
  };
  box.onkeydown = event => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -1e9, End: 1e9, Enter: 0 }[event.key];
    if (step == null) return;
    event.preventDefault();
    self.go(current + step, event.key === "Enter");
  };
  new ResizeObserver(() => redraw(self.draw)).observe(box);
  return self;
}

// The timeline.
const timeline = list("rows", (row, tall) => [
  gutter(row, tall), span("n", row.number), span("t", "+" + ((row.began || row.ended) - start).toFixed(3)),
  span("c", row.by), span("o", row.operation), span("w", row.stream && el("b", null, row.stream, " "), row.basin || row.path),
  outcome(row), span("e", row.did, row.fault && span("fault", " " + row.fault), row.advice ? span("warn", " advice") : "")], (row, isEntered) => {
  show(row.number);
  if (isEntered || innerWidth < 1000) $("exchange").scrollIntoView();
  if (isEntered) $("detail").focus();
});
function outcome(row) {
  const mood = !row.status || row.status >= 500 ? "bad" : row.status >= 400 || row.code ? "warn" : "good";
  return span("s " + mood, row.status ? [row.status, row.code, row.ended == null && "open"].filter(Boolean).join(" ") : "no answer");
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
// Each connection or session on a stream has one of eight lanes; a new one replaces the one that was idle for longest.
function arrange() {
  slots = [];
  shown.forEach((row, i) => {
    row.up = row.down = 0;
    for (const lane of slots) if (lane.until > (row.began || row.ended)) pass(lane, i);
    if (!row.stream) return;
    const name = `${row.stream} · ${row.by}`, key = row.basin + " " + name;
    let lane = slots.find(one => one.key === key);
    if (lane) pass(lane, i);
    else {
      const bit = slots.length < 8 ? slots.length : slots.reduce((one, other) => other.last < one.last ? other : one).bit;
      lane = slots[bit] = { name, key, bit, last: i, until: 0 };
    }
    lane.until = Math.max(lane.until, row.ended ?? Infinity);
    row.lane = lane;
  });
}
function pass(lane, to) {
  for (let i = lane.last; i < to; i++) {
    shown[i].down |= 1 << lane.bit;
    shown[i + 1].up |= 1 << lane.bit;
  }
  lane.last = to;
}
function gutter(row, tall) {
  const middle = tall / 2, whole = el("svg", { width: slots.length * 11 + 4, height: tall, "aria-hidden": true });
  const add = (bit, name, attributes) => whole.append(paint(el(name, attributes), bit));
  for (let bit = 0; bit < 8; bit++) {
    const up = row.up >> bit & 1, down = row.down >> bit & 1;
    if (up || down) add(bit, "path", { d: `M${bit * 11 + 7} ${up ? 0 : middle}V${down ? tall : middle}` });
  }
  if (row.lane) {
    const { bit } = row.lane, x = bit * 11 + 7;
    if (row.is_write) add(bit, "rect", { class: "full", x: x - 4, y: middle - 4, width: 8, height: 8 });
    else add(bit, "circle", { class: "open", cx: x, cy: middle, r: 4 });
  }
  return span("g", whole);
}
function paint(node, bit) {
  node.style.setProperty("--c", `hsl(${[212, 24, 150, 322, 48, 265, 185, 0][bit]} 55% 52%)`);
  return node;
}
function legend() {
  const there = new Set(timeline.seen.map(row => row.lane).filter(Boolean));
  put("lanes", [...there].slice(0, 12).map(lane => paint(el("li", null, lane.name), lane.bit)));
}
function filter() {
  const words = $("find").value.toLowerCase().split(/\s+/).filter(Boolean);
  const left = shown.findIndex(row => rows.length && row.number >= rows[0].number);
  shown = rows.filter(row => words.every(word => [row.number, row.operation, row.by, row.basin, row.stream, row.path, row.status || "no answer", row.code, row.did, row.fault && "fault " + row.fault].join(" ").toLowerCase().includes(word)));
  arrange();
  timeline.set(shown, shown.findIndex(row => row.number === picked), performance.now(), Math.max(0, left));
  const gone = status?.journal.dropped;
  $("count").textContent = (shown.length < rows.length ? shown.length + " of " : "") + counted(rows.length, "exchange") + (gone ? `, ${gone} before are gone` : "");
  $("none").textContent = shown.length ? "" : rows.length ? "No exchange matches." : "No exchanges yet.";
  redraw(legend);
  slide();
}
$("find").oninput = () => redraw(filter);
function clear() {
  [rows, shown, byNumber, start] = [[], [], new Map()];
}
function forget(first) {
  if (!rows.length || first <= rows[0].number) return false;
  if (first > lastNumber()) clear();
  else for (const row of rows.splice(0, rows.findIndex(row => row.number >= first))) byNumber.delete(row.number);
  return true;
}

// One exchange: the response and its reason, then the request.
async function show(number) {
  picked = number;
  const mine = ++show.last;
  const found = await ask("journal/" + number).catch(error => say(error.message));
  if (found) redraw(() => mine === show.last && detail(found));
}
show.last = 0;
const again = () => show(picked);
function detail({ exchange, pytest, row }) {
  const { request, response, number, basin, stream } = exchange;
  const { at: when, began, ended, protocol, connection, session, token_id: token } = exchange;
  const took = ended == null ? "still open" : began ? ((ended - began) * 1e3).toFixed(2) + " ms" : null;
  const why = (kind, what) => what && el("p", { class: "why " + kind }, what);
  $("which").textContent = `${number} · ${row.operation} · ${stream ? basin + " / " + stream : basin || row.path}`;
  put("detail", el("p", { class: "big" }, outcome(row)), why("warn", exchange.reason), why("fault", !exchange.reason && row.fault && "injected: " + row.fault), exchange.advice.map(one => why("warn", one)),
    el("p", null, button("Copy as curl", () => copy(exchange.curl)), button("Copy as pytest", () => copy(pytest)), stream && button("The log then", () => { turn(number); look({ basin, name: stream }); $("log").scrollIntoView(); })),
    el("h3", null, "Answer"), said(response, response?.message),
    el("h3", null, "Request"), said(request, `${request.method} ${request.path}${request.query && "?" + request.query}`),
    el("h3", null, "And"), el("dl", null, pairs({ effect: row.did || "none", took, at: when && date(when), protocol, connection, session, token })));
}
const pairs = facts => Object.entries(facts).filter(pair => pair[1] != null && pair[1] !== "").map(([name, value]) => el("div", null, el("dt", null, name), el("dd", null, value)));
function said(message, line) {
  if (!message) return "None came.";
  const body = message.body == null ? "(the journal keeps no body of it)" : message.document == null ? text(message.body) : JSON.stringify(message.document, null, 2);
  const pre = what => el("pre", { tabindex: 0 }, what.length > 2e4 ? what.slice(0, 2e4) + "\n… and more" : what);
  return [line && el("p", { class: "big" }, line), body && pre(body), el("details", { ...said.open, ontoggle: event => { said.open = event.target.open && { open: "" }; } }, el("summary", null, "Headers"), pre(Object.entries(message.headers).map(pair => pair.join(": ")).join("\n")))];
}
const copy = async what => {
  try { await navigator.clipboard.writeText(what); say("Copied"); } catch { prompt("Copy this", what); }
};

// Streams, and the present and removed records of one of them.
const streams = list("names", one => [span("v", el("b", null, one.name + " "), span("w", one.basin)), span("u", one.is_deleting && span("tag", "deleting"), one.fencing_token && span("tag cmd", "fenced"), one.readers ? span("tag", counted(one.readers, "reader")) : ""), span("k", one.tail.seq_num)], look);
const isChosen = one => chosen && one.basin === chosen.basin && one.name === chosen.stream;
function drawStreams() {
  if (!overview) return;
  const part = $("part").value, found = overview.streams.filter(one => (one.basin + " " + one.name).includes(part));
  streams.set(found, found.findIndex(isChosen), JSON.stringify(found));
  $("many").textContent = counted(overview.count, "stream");
  if (!chosen && found[0]) look(found[0]);
}
$("part").oninput = () => refresh(true);
function look(one) {
  if (!isChosen(one)) past = null;
  chosen = { basin: one.basin, stream: one.name };
  redraw(drawStreams);
  load();
}
async function load(count = load.count) {
  const mine = ++load.last;
  load.count = count;
  past = await ask("streams/records", { ...chosen, count }).then(found => mine === load.last ? found : past, () => past);
  redraw(drawLog);
}
[load.last, load.count] = [0, 1000];
function drawLog() {
  const stream = overview?.streams.find(isChosen), last = byNumber.get(at);
  $("where").textContent = chosen ? chosen.basin + " / " + chosen.stream : "";
  $("when").textContent = at ?? "now";
  then = past ? asOf(at) : { records: [], notes: [] };
  const facts = then.life ? { tail: then.tail, "fencing token": then.token || "none", "trimmed before": then.trim || null } : {};
  if (stream && then.life) {
    if (at == null) facts["at the tail"] = counted(stream.readers, "reader");
    facts.cipher = stream.cipher;
    for (const { config } of [stream, overview.basins.find(one => one.name === stream.basin)]) for (const name in config) facts[name.replaceAll("_", " ")] = JSON.stringify(config[name]).replace(/[{}"]/g, "");
  }
  for (const row of rows) {
    const isOpen = last ? row.number <= at && (row.ended == null || row.ended > last.began) : row.ended == null;
    if (isOpen && row.operation === "read" && row.by[0] === "s" && isChosen({ basin: row.basin, name: row.stream }))
      facts["reader " + row.number] = at != null ? "was there" : "has read to " + (row.last_seq_num == null ? "its start" : row.last_seq_num + 1);
  }
  put("facts", pairs(facts));
  const { life, notes } = then, key = notes.join(" ") + life?.low;
  if (life?.low && !saved) notes.push(button(`Load what is before ${life.low}`, () => load(10 * load.count)));
  if (drawLog.key !== key) put("notes", notes.map(note => [note, " "]));
  drawLog.key = key;
  records.set(then.records, then.records.findIndex(one => one.by && one.by === picked), [at, then.records.map(one => [one.seq_num, one.gone, one.by, one.since, one.maybe])]);
}
// The log after exchange `number`: of the lifetime of the stream at that time, the records that some
// exchange up to that one has shown, less those that were trimmed by then.
function asOf(number) {
  const now = number == null, { lives } = past;
  const life = now ? lives.find(one => one.is_there) : lives.findLast(one => one.start <= number && (one.end == null || number < one.end));
  if (!life) return { records: [], notes: [now ? "It is not there now: move the slider back." : "There was no such stream then."] };
  const isShown = one => one.since != null && one.since <= number;
  const commands = life.commands.filter(one => now || isShown(one)), fence = commands.findLast(one => one.command === "fence");
  const trim = now ? life.trim_point : Math.max(0, ...commands.map(one => one.command === "trim" ? Math.min(one.value, one.seq_num + 1) : 0));
  const tail = now ? life.tail : Math.max(0, ...life.tails.map(([one, tail]) => one <= number ? tail : 0));
  const records = now ? life.records.filter(one => !one.gone) : life.records.filter(one => one.seq_num >= trim && (isShown(one) || one.by == null && number >= one.after));
  for (const one of records) {
    one.maybe = !now && !isShown(one);
    one.kind = (one.command ? "cmd " : "") + (one.gone ? "lost" : "");
  }
  const missing = tail - Math.max(trim, life.low) - records.filter(one => !one.maybe).length, notes = [];
  if (missing > 0) notes.push(counted(missing, "record") + (now ? " expired." : " of then gone since, and not in the journal."));
  if (records.some(one => one.gone)) notes.push("Struck out: gone since then, as the journal has it.");
  if (records.some(one => one.maybe)) notes.push("Perhaps: no exchange in the journal appended it; it may be from later.");
  if (!records.length) notes.push("Nothing is in it.");
  return { life, records, tail, trim, token: fence ? fence.value : now ? life.fencing_token : "", notes };
}
const records = list("records", one => [span("n", one.seq_num),
  span("v", one.command ? `${one.command} → ${one.value || "none"}` : [one.headers.map(pair => span("w", pair.map(text).join(": "), "  ")), text(one.body), one.bytes > 2000 && ` … ${one.bytes} bytes`]),
  span("k", one.gone && one.gone + " since · ", one.maybe && "perhaps · ", one.by ? "by " + one.by : status?.journal.dropped ? "before the journal" : "directly")], one => one.by && byNumber.has(one.by) && show(one.by));
function slide() {
  const slider = $("at");
  slider.min = rows.length ? rows[0].number - 1 : 0;
  slider.max = lastNumber() + 1;
  slider.value = at ?? slider.max;
  slider.setAttribute("aria-valuetext", at ?? "now");
}
function turn(number) {
  at = number;
  slide();
  redraw(drawLog);
}
$("at").oninput = () => turn(+$("at").value < +$("at").max ? +$("at").value : null);
$("now").onclick = () => turn(null);

// Clock, faults, holds, hooks.
const act = (path, method, body) => ask(path, null, { method, body: body && JSON.stringify(body) }).then(() => refresh(true), error => say(error.message));
function drawPowers() {
  if (!status) return;
  const { clock, waiting, faults, holds, hooks } = status, isManual = clock.clock !== "system", left = one => (one.until - clock.now) / 1e9;
  const advance = (text, seconds) => button(text, () => act("clock/advance", "POST", { seconds }));
  const key = JSON.stringify([isManual && clock, waiting.next.map(one => [one.what, isManual && one.until]), faults, holds, hooks, status.is_out]);
  if ($("date")) $("date").textContent = clock.date;
  if (key === drawPowers.key) return;
  drawPowers.key = key;
  const item = (...kids) => el("div", { class: "item" }, kids), title = (list, what) => el("h3", null, list.length ? counted(list.length, what) : `No ${what}s`);
  put("powers", status.is_out && el("p", { class: "why bad" }, "An outage: the service is gone for this account."),
    item(el("code", { id: "date" }, clock.date), el("small", null, clock.clock === "auto" ? "auto: it advances while every open request waits on it" : isManual ? "manual: it stays until you advance it" : "the machine's clock")),
    isManual && !saved && el("p", null, advance("+1 s", 1), advance("+1 min", 60), advance("+1 h", 3600), advance("+1 d", 86400), waiting.next[0] && advance("To the next", Math.max(0, left(waiting.next[0])) + 1e-6)),
    title(waiting.next, "wait"), waiting.next.map(one => item(el("code", null, isManual ? `in ${left(one).toFixed(1)} s` : date(one.until).slice(11, 19)), el("small", null, one.what))),
    title(faults, "fault"), faults.map(one => item(el("code", null, one.text), span("tag fault", counted(one.hits, "hit")), el("small", null, one.remaining == null ? "until removed" : one.remaining ? `waits for ${one.remaining} more` : "used up"),
      !saved && button("Remove", () => act("faults/" + one.number, "DELETE"), "Remove " + one.text))),
    title(holds, "hold"), holds.map(one => item(el("code", null, one.text), el("small", null, one.released ? `released, ${one.count} came` : one.count ? "holds " + one.held.map(held => `${held.operation} ${held.stream || held.basin || ""}`).join(", ") : "nothing came yet"),
      !saved && !one.released && button("Release", () => act(`holds/${one.number}/release`, "POST"), "Release " + one.text))),
    title(hooks, "hook"), hooks.map(one => item(el("code", null, one.text), el("small", null, (one.removed ? "removed, " : "") + counted(one.calls, "call")))));
}

// Keeping up.
// Return the response, unless a later request for the same was answered first, or another account is shown.
async function newest(path, query) {
  const mine = era, asked = performance.now(), found = await ask(path, query);
  if (mine !== era || asked < newest[path]) return;
  newest[path] = asked;
  return found;
}
async function refresh(isAll) {
  const known = lastNumber();
  try {
    const got = await newest("status");
    if (got) {
      const isNews = status?.journal.dropped !== got.journal.dropped;
      status = got;
      if (got.journal.last < known) return begin();
      if (forget(got.journal.first) || isNews) redraw(filter);
      redraw(drawPowers);
    }
    if (!isAll) return;
    overview = await newest("streams", { contains: $("part").value }) || overview;
    redraw(drawStreams);
    if (chosen) await load();
  } catch (error) { if (error.status) say(error.message); }
}
async function follow() {
  const mine = era;
  while (mine === era && !paused) {
    try {
      abort = new AbortController();
      const open = rows.find(row => row.ended == null) || { number: lastNumber() + 1 };
      const reply = await ask("timeline", { after: open.number - 1 }, { headers: { accept: "text/event-stream" }, signal: abort.signal });
      state("live", true);
      $("asking").hidden = true;
      const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let rest = ""; ;) {
        const { value, done } = await reader.read();
        if (done || mine !== era) break;
        const events = (rest + value).split("\n\n");
        rest = events.pop();
        for (const event of events) {
          if (!event.includes("data: ")) continue;
          const got = JSON.parse(event.slice(event.indexOf("data: ") + 6));
          forget(got.first);
          take(got.rows);
          redraw(filter);
          soon();
        }
      }
    } catch { /* tried again */ }
    if (mine !== era || paused) return;
    if ($("asking").hidden) state("not connected");
    await new Promise(done => setTimeout(done, 1000));
  }
}
function soon() {
  soon.timer ||= setTimeout(() => { soon.timer = 0; refresh(true); }, rows.length < 500 ? 150 : 1000);
}
function state(what, isOn) {
  $("state").textContent = what;
  $("state").className = isOn ? "on" : "";
}
function begin() {
  era++;
  load.last++;
  show.last++;
  abort?.abort();
  clear();
  past = chosen = at = overview = status = picked = null;
  [paused, drawPowers.key, drawLog.key] = [false];
  put("detail", "Choose an exchange to see what was answered, and why.");
  $("which").textContent = "";
  $("pause").setAttribute("aria-pressed", false);
  $("save").hidden = account || !saved && memory("token");
  redraw(filter, drawLog);
  if (saved) {
    take(saved.accounts[account].timeline.rows);
    state("as it was then");
    const bad = rows.findLast(row => !row.status || row.status >= 400 || row.code);
    if (bad) show(bad.number);
  } else follow();
  accounts();
  refresh(true);
}
function choose(which) {
  account = which;
  if (!saved) remember("account", which);
  begin();
}
async function accounts() {
  const found = saved ? saved : await ask("accounts").catch(() => ({ accounts: [] }));
  const options = found.accounts.map((one, i) => [saved ? i : one.token || "", one.name]), key = JSON.stringify(options);
  $("accounts").hidden = options.length < 2;
  if (key !== accounts.key) put("account", options.map(([value, name]) => el("option", { value }, name)));
  accounts.key = key;
  $("account").value = account;
  // The selected account has ended.
  if (options[0] && $("account").selectedIndex < 0) choose(options[0][0]);
}
$("account").onchange = () => choose($("account").value);
$("pause").onclick = () => {
  paused = !paused;
  $("pause").setAttribute("aria-pressed", paused);
  if (paused) { abort.abort(); state("paused"); } else { follow(); refresh(true); }
};
$("reset").onclick = () => {
  const isSure = $("reset").className, name = (text, kind) => { $("reset").textContent = text; $("reset").className = kind; };
  name(isSure ? "Reset" : "Really reset?", isSure ? "" : "bad");
  if (isSure) act("reset", "POST").then(begin);
  else setTimeout(name, 4000, "Reset", "");
};
if (saved) {
  document.body.className = "saved";
  $("about").textContent = document.title = saved.about;
} else {
  let beat = 0;
  setInterval(() => {
    if (paused || document.hidden) return;
    refresh(++beat % 3 === 0);
    if (beat % 5 === 0) accounts();
  }, 1000);
}
begin();
