// Passkeys: a new one for the person who has signed in, and a sign with one before a step that asks for it.
// Without this file a person signs in anew instead.
"use strict";

(() => {
  const raw = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
  const written = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const canAsk = "credentials" in navigator && "PublicKeyCredential" in window;
  for (const element of document.querySelectorAll("[data-needs-passkeys]")) element.hidden = !canAsk;

  async function asked(path, body) {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json", "x-csrf-token": document.querySelector("input[name=csrf]").value },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  }

  const described = (one) => ({ ...one, id: raw(one.id) });

  function plain(credential) {
    const { response } = credential;
    const names = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
    const given = names.filter((name) => response[name]).map((name) => [name, written(response[name])]);
    return {
      id: credential.id, rawId: written(credential.rawId), type: credential.type, clientExtensionResults: {},
      authenticatorAttachment: credential.authenticatorAttachment, response: Object.fromEntries(given),
    };
  }

  async function register(name) {
    const { publicKey, token } = await asked("/passkeys/options", {});
    const options = {
      ...publicKey, challenge: raw(publicKey.challenge), user: { ...publicKey.user, id: raw(publicKey.user.id) },
      excludeCredentials: (publicKey.excludeCredentials || []).map(described),
    };
    const credential = await navigator.credentials.create({ publicKey: options });
    await asked("/passkeys", { token, credential: plain(credential), name });
  }

  async function sign(ref, digest) {
    const { publicKey, token } = await asked("/step-up/options", { ref, digest });
    const options = { ...publicKey, challenge: raw(publicKey.challenge), allowCredentials: (publicKey.allowCredentials || []).map(described) };
    const credential = await navigator.credentials.get({ publicKey: options });
    await asked("/step-up", { token, credential: plain(credential) });
  }

  async function taken(form, step, then) {
    const failed = form.querySelector("[data-passkey-failed]");
    const buttons = [...form.querySelectorAll("button")];
    for (const button of buttons) button.disabled = true;
    if (failed) failed.hidden = true;
    try {
      await step();
      then();
    } catch {
      if (failed) failed.hidden = false;
      for (const button of buttons) button.disabled = false;
      buttons[0]?.focus();
    }
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-new-passkey]")) {
      event.preventDefault();
      taken(form, () => register(form.elements.name.value.trim()), () => location.assign("/me?said=passkey"));
    } else if (canAsk && form.matches("[data-step-up]") && !event.submitter?.matches("[data-change]")) {
      event.preventDefault();
      taken(form, () => sign(form.dataset.stepUp, form.dataset.digest), () => form.submit());
    }
  }, { capture: true });
})();
