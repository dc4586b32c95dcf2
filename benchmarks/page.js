// Reads the clock that the simulator burns into its films (aigaq.simulator.clock_strip), behind any player.
"use strict";
window.bench = {
  canvas: document.createElement("canvas"),

  /** Seconds of the wall minute in the picture that a video shows; null where there is no strip. */
  clock(video) {
    const [w, h] = [video.videoWidth, video.videoHeight];
    if (!w) return null;
    Object.assign(this.canvas, { width: w, height: h });
    const pen = this.canvas.getContext("2d", { willReadFrequently: true });
    pen.drawImage(video, 0, 0);
    const row = pen.getImageData(0, Math.floor((24 * h) / 720), w, 1).data;
    const bits = Array.from({ length: 16 }, (_, n) => +(row[4 * Math.floor(((1008 + 16 * (n + 0.5)) * w) / 1280) + 1] > 128));
    const number = (from, to) => parseInt(bits.slice(from, to).join(""), 2);
    const tenth = number(2, 12);
    return bits[0] === 1 && bits[1] === 0 && tenth < 600 && number(12, 16) === tenth % 13 ? tenth / 10 : null;
  },

  /** Delay of each picture that comes on the screen within so many milliseconds, in seconds. */
  delays(video, ms) {
    return new Promise((resolve) => {
      const found = [];
      const end = performance.now() + ms;
      const look = () => {
        const shown = this.clock(video);
        if (shown !== null) found.push((((Date.now() / 1000 - shown) % 60) + 60) % 60);
        if (performance.now() < end) video.requestVideoFrameCallback(look);
      };
      video.requestVideoFrameCallback(look);
      setTimeout(() => resolve(found), ms + 500);
    });
  },

  /** Plays a live playlist. */
  live(url, lowLatencyMode) {
    const hls = new Hls({ enableWorker: false, lowLatencyMode, maxLiveSyncPlaybackRate: 1.1 });
    const video = document.querySelector("video");
    hls.attachMedia(video);
    hls.loadSource(url);
    return video.play();
  },

  /** Milliseconds until the picture of a wall time (UTC seconds) is on the screen, and by how much it is another. */
  seek(url, wall) {
    return new Promise((resolve, reject) => {
      const began = performance.now();
      const video = document.querySelector("video");
      const hls = new Hls({ enableWorker: false, autoStartLoad: false });
      setTimeout(() => reject(new Error("no picture after 10 s")), 10_000);
      hls.once(Hls.Events.LEVEL_LOADED, (_event, { details }) => {
        const ms = wall * 1000;
        const part = details.fragments.find((f) => f.programDateTime + f.duration * 1000 > ms) ?? details.fragments.at(-1);
        const at = part.start + Math.max(0, ms - part.programDateTime) / 1000;
        hls.startLoad(at);
        hls.once(Hls.Events.FRAG_BUFFERED, () => {
          video.currentTime = at;
          requestAnimationFrame(look);
        });
      });
      const look = () => {
        const shown = video.seeking || video.readyState < 2 ? null : this.clock(video);
        if (shown === null) return requestAnimationFrame(look);
        const error = ((((shown - wall) % 60) + 90) % 60) - 30;
        resolve({ ms: performance.now() - began, error });
      };
      hls.attachMedia(video);
      hls.loadSource(url);
    });
  },
};
