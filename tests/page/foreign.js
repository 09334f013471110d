// What a page of another origin may try. Each is called with the base URL of the control API.
({
  // These return what they have got to know: text, or nothing.
  reads: {
    "fetch": url => Promise.all([
      "", "/", "/journal", "/status", "/streams", "/timeline", "/report", "/accounts", "/openapi.json",
      "/streams/records?basin=shop-basin&stream=orders", "/v1/basins",
    ].map(path => fetch(url + path).then(answer => answer.text(), () => "")))
      .then(texts => texts.join("")),
    "fetch without CORS": url => fetch(url + "/journal", { mode: "no-cors" })
      .then(answer => answer.text(), () => ""),
    "fetch with a token": url => fetch(url + "/journal", { headers: { authorization: "Bearer x" } })
      .then(answer => answer.text(), () => ""),
    "server-sent events": url => new Promise(done => {
      const events = new EventSource(url + "/timeline");
      events.addEventListener("rows", event => { events.close(); done(event.data); });
      events.onerror = () => { events.close(); done(""); };
    }),
    "a frame": url => new Promise(done => {
      const frame = document.createElement("iframe");
      frame.onload = () => {
        try { done(frame.contentDocument ? frame.contentDocument.body.textContent : ""); }
        catch { done(""); }
      };
      frame.src = url + "/";
      document.body.append(frame);
    }),
    "a script": url => new Promise(done => {
      const script = document.createElement("script");
      script.onload = () => done("it ran");
      script.onerror = () => done("");
      script.src = url + "/journal";
      document.body.append(script);
    }),
    "a style": url => new Promise(done => {
      const link = document.createElement("link");
      link.rel = "stylesheet";
      link.onload = () => done("it was taken");
      link.onerror = () => done("");
      link.href = url + "/";
      document.head.append(link);
    }),
  },
  // These return when they are through.
  changes: {
    "fetch": (url, fault) => Promise.all([
      fetch(url + "/reset", { method: "POST" }),
      fetch(url + "/faults", {
        method: "POST", headers: { "content-type": "application/json" }, body: fault,
      }),
      fetch(url + "/journal", { method: "DELETE" }),
      fetch(url + "/v1/basins/other-basin", { method: "PUT" }),
    ].map(asked => asked.catch(() => 0))).then(() => null),
    "fetch without CORS": (url, fault) => Promise.all([
      fetch(url + "/reset", { method: "POST", mode: "no-cors" }),
      fetch(url + "/outage", { method: "POST", mode: "no-cors" }),
      fetch(url + "/faults", { method: "POST", mode: "no-cors", body: fault }),
      fetch(url + "/clock/advance", { method: "POST", mode: "no-cors", body: '{"seconds":1}' }),
    ].map(asked => asked.catch(() => 0))).then(() => null),
    "a beacon": (url, fault) => {
      navigator.sendBeacon(url + "/reset");
      navigator.sendBeacon(url + "/faults", fault);
    },
    "a form": url => new Promise(done => {
      const frame = document.createElement("iframe"), form = document.createElement("form");
      frame.name = "there";
      document.body.append(frame, form);
      Object.assign(form, { method: "POST", action: url + "/reset", target: "there" });
      frame.onload = () => done(null);
      form.submit();
    }),
    "a form of text": (url, fault) => new Promise(done => {
      const frame = document.createElement("iframe"), form = document.createElement("form");
      const field = document.createElement("input");
      frame.name = "there, too";
      form.append(field);
      document.body.append(frame, form);
      field.name = fault.slice(0, -1) + ',"x":"';
      field.value = '"}';
      form.enctype = "text/plain";
      Object.assign(form, { method: "POST", action: url + "/faults", target: "there, too" });
      frame.onload = () => done(null);
      form.submit();
    }),
  },
})
