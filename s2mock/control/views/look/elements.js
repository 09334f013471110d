"use strict";
// Elements of the page. Data becomes text and nothing else: there is no innerHTML here.
const $ = id => document.getElementById(id);
const SVG = /^(svg|path|rect|circle|text)$/;

function el(name, attributes, ...kids) {
  const made = SVG.test(name) ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const key in attributes) {
    if (typeof attributes[key] === "function") made[key] = attributes[key];
    else if (attributes[key] != null && attributes[key] !== false) made.setAttribute(key, attributes[key]);
  }
  put(made, kids);
  return made;
}
// The keyboard focus stays where it is.
function put(where, ...kids) {
  const node = where.append ? where : $(where), active = document.activeElement, had = node !== active && node.contains(active);
  node.replaceChildren(...kids.flat(9).filter(kid => kid || kid === 0));
  if (had) ([...node.querySelectorAll("button, pre, summary")].find(one => active.id ? one.id === active.id : one.textContent === active.textContent) || node).focus({ preventScroll: true });
}
const span = (kind, ...kids) => el("span", { class: kind }, kids);
const button = (text, onclick, name = text) => el("button", { type: "button", onclick, "aria-label": name }, text);
const counted = (count, what) => `${count} ${what}${count === 1 ? "" : "s"}`;
const text = bytes => bytes == null ? "" : bytes.base64 == null ? bytes : "base64 " + bytes.base64;
const date = ns => new Date(ns / 1e6).toISOString();
const pairs = facts => Object.entries(facts).filter(pair => pair[1] != null && pair[1] !== "").map(([name, value]) => el("div", null, el("dt", null, name), el("dd", null, value)));

// A duration in seconds, as short as it can be read.
function duration(seconds) {
  if (seconds < 0.9995) return (seconds * 1e3).toFixed(seconds < 0.00995 ? 2 : seconds < 0.0995 ? 1 : 0) + " ms";
  if (seconds < 120) return seconds.toFixed(seconds < 10 ? 1 : 0) + " s";
  if (seconds < 7200) return Math.round(seconds / 60) + " min";
  return seconds < 172800 ? Math.round(seconds / 3600) + " h" : Math.round(seconds / 86400) + " d";
}
function say(what) {
  $("said").textContent = what;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => say(""), 4000);
}
async function copy(what) {
  try {
    await navigator.clipboard.writeText(what);
    say("Copied");
  } catch {
    prompt("Copy this", what);
  }
}
