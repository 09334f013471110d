// Campaigns: the attempts with their outcomes, and the shortest failure, with its order as a picture.
async function loadCampaigns() {
  const got = await ask("campaigns").catch(() => null), found = got?.campaigns || [], key = JSON.stringify(found);
  if (key === loadCampaigns.key) return;
  loadCampaigns.key = key;
  $("campaigns").hidden = !found.length;
  document.querySelector("main").classList.toggle("more", found.length > 0);
  put("attempts", found.map(campaign));
}
function campaign(one) {
  const of = outcome => one.attempts.filter(attempt => attempt.outcome === outcome).length;
  const parts = [["passed", of("passed")], ["failed", of("failed")], ["skipped", of("skipped")]].filter(part => part[1]).map(([name, count]) => span(name === "failed" ? "bad" : "k", ` ${count} ${name}`));
  return el("div", { class: "campaign" }, el("h3", null, `${one.kind} ${one.number || ""}`), el("p", null, counted(one.count, "attempt"), ":", parts),
    el("div", { class: "squares", role: "list", "aria-label": "Attempts" }, one.attempts.map(attempt => el("span", { role: "listitem", class: "square " + (attempt.outcome || "running"), title: `${attempt.number}: ${attempt.title}: ${attempt.message || attempt.outcome || "runs"}`, "aria-label": `attempt ${attempt.number}: ${attempt.outcome || "runs"}` }))),
    one.shortest && [el("p", { class: "why bad" }, `The shortest failure, attempt ${one.shortest.attempt}: ${one.shortest.message}`), picture(one.shortest.title), el("pre", { tabindex: 0 }, one.shortest.timeline)]);
}
// An order such as "a1 b1 a2": a lane for each actor, and a mark for each operation, from left to right.
function picture(order) {
  const labels = order.split(" ");
  if (!labels.every(label => /^\D+\d+$/.test(label))) return null;
  const actors = [...new Set(labels.map(label => label.replace(/\d+$/, "")))].sort(), step = 34, tall = 26, left = 10 + 8 * Math.max(...actors.map(actor => actor.length));
  const whole = el("svg", { class: "order", width: left + step * labels.length + 10, height: tall * actors.length, role: "img", "aria-label": "The order " + order });
  actors.forEach((actor, lane) => whole.append(
    el("text", { class: "name", x: 0, y: lane * tall + 17 }, actor), paint(el("path", { d: `M${left} ${lane * tall + 13}H${left + step * labels.length}` }), HUES[lane % 12])));
  labels.forEach((label, i) => {
    const lane = actors.indexOf(label.replace(/\d+$/, "")), x = left + step * i + step / 2, y = lane * tall + 13;
    whole.append(paint(el("rect", { class: "full", x: x - 13, y: y - 9, width: 26, height: 18, rx: 4 }), HUES[lane % 12]), paint(el("text", { class: "on", x, y: y + 4 }, label.match(/\d+$/)[0]), HUES[lane % 12]));
  });
  return el("div", { class: "wide" }, whole);
}

// What pytest says of a test that failed, at the top of its page.
function drawFailure() {
  const { failure } = saved;
  if (!failure) return;
  const phase = failure.when === "call" ? "" : ` (in its ${failure.when})`, row = failure.exchange && saved.accounts[failure.account].timeline.rows.find(one => one.number === failure.exchange);
  const reason = row && saved.accounts[failure.account].exchanges[failure.exchange].exchange, [first, ...rest] = failure.message.split("\n");
  $("failure").hidden = false;
  document.body.classList.add("failed");
  put("failure", el("h2", { id: "h0" }, failure.nodeid + phase), el("p", { class: "crash" }, first), 
    row && el("p", { class: "cause" }, "The exchange that explains it: ", button(`${row.number} · ${row.operation} ${row.stream || row.basin || ""}`, () => { chooseExchange(row.number); $("exchange").scrollIntoView(); }), " ", outcome(row), " ", [reason.reason, ...reason.advice].filter(Boolean).join("; ") || row.fault || ""),
    !row && saved.campaigns?.map(one => one.shortest && picture(one.shortest.title)),
    !failure.lines.length && rest.length ? el("pre", { class: "code", tabindex: 0 }, rest.join("\n")) : "",
    failure.lines.length ? el("pre", { class: "code", tabindex: 0 }, failure.lines.map(line => span(line[0] === ">" ? "hit" : line[0] === "E" ? "bad" : "", line + "\n"))) : "",
    el("p", { class: "k" }, failure.place || ""),
    el("details", null, el("summary", null, "All that pytest says"), el("pre", { tabindex: 0 }, failure.text)));
}
