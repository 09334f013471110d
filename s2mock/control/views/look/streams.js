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
  const isNew = !isChosen(one);
  if (isNew) past = null;
  chosen = { basin: one.basin, stream: one.name };
  redraw(drawStreams);
  if (isNew || !past) load();
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
  drawRecords();
}
// The records that have the text that is searched for, in their bodies or headers.
function drawRecords() {
  const part = $("seek").value.toLowerCase(), all = then?.records || [];
  const found = part ? all.filter(one => (one.command ? `${one.command} ${one.value}` : text(one.body) + one.headers.flat().map(text).join(" ")).toLowerCase().includes(part)) : all;
  const where = chosen ? chosen.basin + " / " + chosen.stream : "";
  $("where").textContent = part ? `${where}: ${found.length} of ${counted(all.length, "record")}` : where;
  records.set(found, found.findIndex(one => one.by && one.by === picked), [at, part, found.map(one => [one.seq_num, one.gone, one.by, one.since, one.maybe])]);
}
$("seek").oninput = () => redraw(drawRecords);
$("append").onsubmit = event => {
  event.preventDefault();
  if (!chosen) return say("Choose a stream first");
  const path = `v1/streams/${encodeURIComponent(chosen.stream)}/records`;
  act(path, "POST", { records: [{ body: $("body").value }] }, { "s2-basin": chosen.basin });
  $("body").value = "";
};
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
  span("k", one.gone && one.gone + " since · ", one.maybe && "perhaps · ", one.by ? "by " + one.by : status?.journal.dropped ? "before the journal" : "directly")], one => {
  if (!one.by || !byNumber.has(one.by)) return;
  show(one.by);
  keepPlace();
});
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
