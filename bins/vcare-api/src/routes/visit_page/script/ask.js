// Requests. XMLHttpRequest has a deadline and can be cut short on every phone that is meant here; `fetch` cannot on the
// oldest. The token goes into headers and bodies of our own API, and nowhere else.
const BASE = "/api/v1/virtual-care/sessions/join";
const underWay = new Set();
let token = "";
let cuts = 0;

// Answers { status, body, after, took }; status 0 when nothing came back, and then `cut` when that was our own wish.
const ask = (method, path, seconds, body) => new Promise(done => {
  const request = new XMLHttpRequest();
  const began = performance.now();
  const end = (status, cut) => {
    underWay.delete(request);
    const took = performance.now() - began;
    const answer = { status, cut, took, body: {}, after: 0 };
    if (status) {
      setClock(request.getResponseHeader("Date"));
      answer.after = +request.getResponseHeader("Retry-After") || 0;
      if (/json/.test(request.getResponseHeader("Content-Type"))) {
        try {
          answer.body = JSON.parse(request.responseText);
        } catch (_) {
          answer.status = 0;
        }
      }
    }
    done(answer);
  };
  request.open(method, path);
  request.timeout = seconds * 1000;
  request.onload = () => end(request.status);
  request.onerror = request.ontimeout = () => end(0);
  request.onabort = () => end(0, true);
  if (path.indexOf(BASE) === 0 && token) request.setRequestHeader("Authorization", "Bearer " + token);
  const bytes = body instanceof Uint8Array;
  if (body && !bytes) request.setRequestHeader("Content-Type", "application/json");
  underWay.add(request);
  request.send(body && !bytes ? JSON.stringify(body) : body);
});

const cutShort = () => {
  cuts++;
  underWay.forEach(request => request.abort());
};
