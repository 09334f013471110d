// Clock, faults, holds, hooks.
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

// Faults and holds to make here: under the same guard as every other request.
const CHOICES = {
  "Drop the answer, after it took effect": { Drop: { committed: true } }, "Drop the request": { Drop: {} }, "Refuse: unavailable": { Fail: { code: "unavailable" } },
  "Refuse: rate_limited": { Fail: { code: "rate_limited" } }, "Delay by 5 s": { Delay: { seconds: 5 } }, "Silence": { Silence: {} },
};
const OPERATIONS = ["append", "read", "check-tail", "create-stream", "delete-stream", "list-streams", "create-basin", "list-basins"];
const select = (name, label, options) => el("label", null, label, " ", el("select", { name }, options.map(one => el("option", null, one))));
function form(title, fields, send) {
  // Made when it is unfolded: the page is there sooner.
  const fill = () => {
    if (folded.children[1]) return;
    const made = el("form", { "aria-label": title }, fields(), el("label", null, "stream ", el("input", { name: "stream", value: "*", size: 12 })), el("button", null, title));
    made.onsubmit = event => {
      event.preventDefault();
      send(Object.fromEntries(new FormData(made)));
    };
    folded.append(made);
  };
  const folded = el("details", { ontoggle: fill }, el("summary", null, title));
  return folded;
}
if (!saved) put("make",
  form("Inject a fault", () => [select("fault", "fault", Object.keys(CHOICES)), select("on", "on", OPERATIONS), el("label", null, "times ", el("input", { name: "times", type: "number", min: 1, value: 1 }))],
    ({ fault, on, stream, times }) => act("faults", "POST", { fault: CHOICES[fault], on, times: +times, required: false, ...placeOf(on, stream) })),
  form("Make a hold", () => [select("on", "on", OPERATIONS), select("at", "at its", ["commit", "arrival", "answer"])],
    ({ on, at: point, stream }) => act("holds", "POST", { on, at: point, required: false, ...placeOf(on, stream) })));
// An operation on no stream takes no name of one.
const placeOf = (on, stream) => stream && stream !== "*" && !/basin|list/.test(on) ? { stream } : {};
