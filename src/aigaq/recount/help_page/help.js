"use strict";
const words = JSON.parse(document.body.dataset.words);
const put = (id, text) => {
  const element = document.getElementById(id);
  if (element.textContent !== text) element.textContent = text;
};
const show = (state) => {
  document.body.dataset.advice = state.advice;
  put("advice", words.advice[state.advice]);
  put("why", state.why ? words.why[state.why] : "");
  put("counted", String(state.counted));
  put("shown", String(state.shown));
};
const ask = async () => {
  try {
    const answer = await fetch("/state", { cache: "no-store", signal: AbortSignal.timeout(3000) });
    show(await answer.json());
  } catch {
    document.body.dataset.advice = "blind";
    put("advice", words.lost);
    put("why", "");
  }
  setTimeout(ask, 250);
};
ask();
if ("wakeLock" in navigator) navigator.wakeLock.request("screen").catch(() => {});
