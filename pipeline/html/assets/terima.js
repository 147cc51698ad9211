"use strict";
// Sends files one by one in pieces, so that a broken line costs one piece; without this script the form does the same in one go.
(() => {
  const form = document.querySelector("form[data-kirim]");
  const result = document.getElementById("hasil");
  if (!form || !result || !window.fetch || !window.File) return;
  const base = form.dataset.kirim, said = form.dataset;
  const language = said.bahasa === "en" ? "&bahasa=en" : "";
  const LARGEST = 64 * 1048576, TRIES = 8;
  let piece = 262144;
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));

  async function number(file) {
    // The same file, chosen again, gets the same ticket: what has arrived already need not be sent again.
    const text = [base, file.name, file.size, file.lastModified].join("|");
    const hex = (bytes) => Array.from(new Uint8Array(bytes), (b) => b.toString(16).padStart(2, "0")).join("");
    if (!window.crypto || !crypto.subtle) {
      let a = 0x811c9dc5, out = "";
      for (let round = 0; round < 4; round++) {
        for (const c of text + round) a = Math.imul(a ^ c.codePointAt(0), 0x01000193) >>> 0;
        out += a.toString(16).padStart(8, "0");
      }
      return { ticket: out, print: "" };
    }
    const ticket = hex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).slice(0, 32);
    return { ticket, print: hex(await crypto.subtle.digest("SHA-256", await file.arrayBuffer())) };
  }

  async function again(work, row) {
    for (let n = 1; ; n++) {
      try {
        const answer = await work();
        if (answer.status !== 429 && answer.status < 500) return answer;
        if (n >= TRIES || answer.status === 507 || answer.status === 500) return answer;
        await wait(1000 * Number(answer.headers.get("retry-after") || n));
      } catch (error) {
        if (n >= TRIES) throw error;
        row.say(said.tPutus);
        piece = Math.max(65536, piece / 2);
        await wait(Math.min(1000 * 2 ** n, 20000));
      }
    }
  }

  function row(file) {
    const box = document.createElement("article");
    box.className = "putusan";
    box.innerHTML = "<h3></h3><p class=berkas></p><progress class=maju max=100 value=0></progress>";
    const [title, name, bar] = box.children;
    name.textContent = file.name;
    bar.setAttribute("aria-label", file.name);
    result.append(box);
    return {
      box,
      say(text) { title.textContent = text; },
      at(share) { bar.value = Math.round(share * 100); },
      fail(text) { box.className = "putusan tolak"; title.textContent = text; bar.remove(); },
    };
  }

  async function send(file, account) {
    const shown = row(file);
    shown.say(said.tKirim);
    if (file.size > LARGEST) return shown.fail(said.tBesar);
    const { ticket, print } = await number(file);
    const place = `${base}/unggah/${ticket}?nama=${encodeURIComponent(file.name)}${language}`;
    let at = (await (await again(() => fetch(place), shown)).json()).ada || 0;
    if (at > file.size) at = 0;
    do {
      const began = Date.now();
      const body = file.slice(at, at + piece);
      const answer = await again(() => fetch(`${place}&mulai=${at}`, { method: "PUT", body }), shown);
      const told = await answer.json();
      if (answer.status !== 200 && answer.status !== 409) return shown.fail(told[said.bahasa] || said.tGagal);
      at = told.ada;
      shown.say(said.tKirim);
      shown.at(at / Math.max(file.size, 1));
      if (Date.now() - began < 1500) piece = Math.min(piece * 2, 2097152);
    } while (at < file.size);
    shown.say(said.tBaca);
    const end = `${place}&ukuran=${file.size}&sidik=${print}&akun=${encodeURIComponent(account)}&bagian=1`;
    const answer = await again(() => fetch(end, { method: "POST" }), shown);
    if (!answer.ok) return shown.fail((await answer.json())[said.bahasa] || said.tGagal);
    put(shown.box, await answer.text());
  }

  function put(box, html) {
    const made = document.createElement("template");
    made.innerHTML = html;
    box.replaceWith(made.content);
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const files = Array.from(form.berkas.files), button = form.querySelector("button.utama");
    const account = form.akun ? form.akun.value : "";
    button.disabled = true;
    delete result.dataset.kosong;
    result.scrollIntoView({ block: "start", behavior: "smooth" });
    for (const file of files) {
      try { await send(file, account); } catch (error) { row(file).fail(said.tGagal); }
    }
    form.reset();
    button.disabled = false;
  });

  result.addEventListener("submit", async (event) => {
    const choice = event.target.closest("form[data-pilih]");
    if (!choice || !event.submitter) return;
    event.preventDefault();
    const body = new URLSearchParams(new FormData(choice, event.submitter));
    for (const b of choice.querySelectorAll("button")) b.disabled = true;
    const answer = await fetch(`${base}/akun?bagian=1${language}`, { method: "POST", body });
    if (answer.ok) put(choice.closest("article"), await answer.text());
    else choice.textContent = (await answer.json())[said.bahasa] || said.tGagal;
  });
})();
