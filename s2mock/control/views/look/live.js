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
      redraw(drawPowers, drawStrip, drawPending);
    }
    if (!isAll) return;
    overview = await newest("streams", { contains: $("part").value }) || overview;
    redraw(drawStreams, drawStrip, drawPending);
    loadCampaigns();
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
          redraw(filter, arriveAtPlace);
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
  past = chosen = at = overview = status = picked = pinned = null;
  [paused, drawPowers.key, drawLog.key] = [false];
  $("find").value = memory("filter " + account);
  put("detail", "Choose an exchange to see what was answered, and why.");
  $("which").textContent = "";
  $("pause").setAttribute("aria-pressed", false);
  $("save").hidden = account || !saved && memory("token");
  redraw(filter, drawLog);
  if (saved) {
    take(saved.accounts[account].timeline.rows);
    state("as it was then");
    openSaved();
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
  accountList = found.accounts;
  const options = found.accounts.map((one, i) => [saved ? i : one.token || "", one.name]), key = JSON.stringify(options);
  $("accounts").hidden = options.length < 2;
  if (key !== accounts.key) put("account", options.map(([value, name]) => el("option", { value }, name)));
  accounts.key = key;
  $("account").value = account;
  // The selected account has ended.
  if (options[0] && $("account").selectedIndex < 0) choose(options[0][0]);
}
$("account").onchange = () => choose($("account").value);

// The address names an account and an exchange: `#account 1/exchange/41`.
const titleOf = token => (accountList.find((one, i) => (saved ? String(i) : one.token || "") === String(token || (saved ? 0 : ""))) || {}).title || "account";
function keepPlace() {
  history.replaceState(null, "", `#${encodeURIComponent(titleOf(account))}/exchange/${picked}`);
}
function followPlace() {
  const [, title, number] = location.hash.match(/^#([^/]*)\/exchange\/(\d+)$/) || [];
  if (!number) return;
  const at = accountList.findIndex(one => one.title === decodeURIComponent(title)), token = at < 0 ? account : saved ? at : accountList[at].token || "";
  if (String(token) !== String(account)) {
    followPlace.then = +number;
    choose(token);
  } else if (byNumber.has(+number)) chooseExchange(+number);
  else followPlace.then = +number;
}
function arriveAtPlace() {
  if (!followPlace.then || !byNumber.has(followPlace.then)) return;
  const number = followPlace.then;
  followPlace.then = null;
  chooseExchange(number);
}
onhashchange = followPlace;
// A report opens at the exchange in its address, or that explains the failure, or the last refusal.
function openSaved() {
  redraw(() => {
    const { failure } = saved, bad = rows.findLast(isRefused);
    if (followPlace.then) return arriveAtPlace();
    if (failure?.exchange && failure.account === account) chooseExchange(failure.exchange);
    else if (bad) chooseExchange(bad.number);
  });
}
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
  document.body.classList.add("saved");
  $("about").textContent = document.title = saved.about;
  for (const one of saved.accounts) one.title = one.name;
  accountList = saved.accounts;
  account = saved.failure?.account || 0;
  drawFailure();
  loadCampaigns();
} else {
  let beat = 0;
  setInterval(() => {
    if (paused || document.hidden) return;
    refresh(++beat % 3 === 0);
    if (beat % 5 === 0) accounts();
  }, 1000);
}
begin();
if (saved) followPlace();
else accounts().then(followPlace);
