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

const STEPS = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -1e9, End: 1e9, Enter: 0 };
// A list that makes elements only for the visible rows.
function list(id, make, pick) {
  const box = $(id), space = el("div", { role: "presentation" });
  let items = [], current = -1, last, among = [0, 0];
  const height = () => parseInt(getComputedStyle(box).getPropertyValue("--row"));
  const window = () => [Math.max(0, Math.floor(box.scrollTop / height()) - 5), Math.ceil((box.scrollTop + box.clientHeight) / height()) + 5];
  const self = {
    get seen() { return items.slice(...among); },
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
      [last, among] = [key, [first, end]];
      const wanted = new Set([current]);
      for (let i = first; i < end; i++) wanted.add(i);
      put(space, [...wanted].filter(i => items[i]).sort((one, other) => one - other).map(i => {
        const node = el("div", { id: id + i, role: "option", "aria-selected": String(i === current), "aria-setsize": items.length, "aria-posinset": i + 1, class: "row" }, make(items[i], tall));
        node.className += items[i].kind ? " " + items[i].kind : "";
        node.style.top = i * tall + "px";
        return node;
      }));
      if (items[current]) box.setAttribute("aria-activedescendant", id + current);
      else box.removeAttribute("aria-activedescendant");
    },
    reveal(i) {
      const top = i * height();
      box.scrollTop = Math.min(top, Math.max(box.scrollTop, top + height() - box.clientHeight));
    },
    go(i, isEntered) {
      i = Math.max(0, Math.min(items.length - 1, i));
      if (!items[i]) return;
      self.reveal(i);
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
    const step = STEPS[event.key];
    if (step == null) return;
    event.preventDefault();
    self.go(current + step, event.key === "Enter");
  };
  new ResizeObserver(() => redraw(self.draw)).observe(box);
  return self;
}
