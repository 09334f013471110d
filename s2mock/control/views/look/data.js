// The data of the page: from the server, or from the report in which it is.
const saved = JSON.parse($("data").textContent);
const memory = name => sessionStorage["s2mock " + name] || "";
const remember = (name, value) => { sessionStorage["s2mock " + name] = value; };
let account = saved ? 0 : memory("account"), era = 0, paused = false, abort;
let rows, byNumber, slots, start, shown = [], picked, chosen, at, status, overview, past, then, accountList = [];
const lastNumber = () => rows.at(-1)?.number || 0;

function fromReport(path, query) {
  const from = saved.accounts[account];
  if (path === "streams/records") return from.records.find(one => one.basin === query.basin && one.stream === query.stream);
  if (path === "campaigns") return { campaigns: saved.campaigns || [] };
  return path.startsWith("journal/") ? from.exchanges[path.slice(8)] : from[path];
}
function headersOf(options) {
  const headers = { ...options.headers };
  if (account) headers.authorization = "Bearer " + account;
  if (memory("token")) headers["s2mock-control-token"] = memory("token");
  if (options.body) headers["content-type"] = "application/json";
  return headers;
}
async function ask(path, query, options = {}) {
  if (saved) return fromReport(path, query);
  const by = account;
  const reply = await fetch(path + (query ? "?" + new URLSearchParams(query) : ""), { ...options, headers: headersOf(options) });
  if (reply.ok) return options.signal ? reply : reply.status === 204 ? null : reply.json();
  const { message } = await reply.json();
  if (reply.status === 403) {
    $("asking").hidden = false;
    state(message);
  }
  // A late refusal of an account that is no longer shown leaves the one that is.
  if (reply.status === 401 && account === (by || 0)) setTimeout(choose, 0, "");
  throw Object.assign(new Error(message), { status: reply.status });
}
// Change something, then show what it is like.
const act = (path, method, body, headers) => ask(path, null, { method, headers, body: body && JSON.stringify(body) }).then(() => refresh(true), error => say(error.message));
$("asking").onsubmit = event => {
  event.preventDefault();
  remember("token", $("token").value);
  $("token").value = "";
  begin();
};
