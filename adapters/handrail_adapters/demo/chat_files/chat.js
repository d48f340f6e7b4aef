"use strict";
// Shows lines as they come. Without it the page works by its forms and asks again by itself.
const talk = document.getElementById("talk");
const typing = document.getElementById("typing");
const words = document.getElementById("words");
let mark = "";
let seen = talk.children.length;

function show(state) {
  mark = state.mark;
  talk.innerHTML = state.lines; // the server has escaped what people and models wrote
  typing.hidden = !state.typing;
  [...talk.children].slice(seen).forEach((line) => line.classList.add("new"));
  if (talk.children.length > seen || state.typing) {
    window.scrollTo({ top: document.body.scrollHeight });
  }
  seen = talk.children.length;
}

async function follow() {
  for (;;) {
    try {
      const answer = await fetch("/lines?known=" + encodeURIComponent(mark));
      if (answer.ok) {
        show(await answer.json());
        continue;
      }
    } catch {
      // The shop is out of reach for a moment.
    }
    await new Promise((done) => setTimeout(done, 2000));
  }
}

async function say(text) {
  await fetch("/say", {
    method: "POST",
    headers: { accept: "application/json", "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ words: text }),
  });
}

document.getElementById("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = words.value.trim();
  words.value = "";
  if (text) say(text);
});
document.getElementById("suggested").addEventListener("submit", (event) => {
  event.preventDefault();
  if (event.submitter) say(event.submitter.value);
  words.focus();
});
words.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    words.form.requestSubmit();
  }
});
follow();
