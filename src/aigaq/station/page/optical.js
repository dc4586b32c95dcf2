// Shows the bits of the minute by the box's clock. Written for old telephones: no syntax after ES5, no library.
(function () {
  'use strict';
  var SLOT = 500, MINUTE = 60000, FRAME = 64, ASK = 2000, LOST = 15000;
  var frames = {}, offset = 0, best = Infinity, heard = -Infinity, started = false, lock = null;

  function local() {
    return window.performance && performance.now ? performance.now() : Date.now();
  }

  // The quickest answer tells the box's clock best; one that contradicts it means that the clock was set.
  function learn(said, sent, got) {
    var trip = got - sent, found = said.now_ms + trip / 2 - got;
    best += 1;
    if (trip <= best || Math.abs(found - offset) > trip + 50) {
      best = trip;
      offset = found;
    }
    frames = said.frames;
    heard = got;
  }

  function ask() {
    var sent = local(), request = new XMLHttpRequest();
    request.open('GET', '/schedule');
    request.timeout = 5000;
    request.onload = function () {
      if (request.status === 200) {
        learn(JSON.parse(request.responseText), sent, local());
      }
    };
    request.send();
  }

  // 120 slots of a minute: 64 of the frame, then its first 56 inverted.
  function state(now) {
    var hex = frames[Math.floor(now / MINUTE)];
    if (local() - heard > LOST) {
      return heard < 0 ? 'wait' : 'lost';
    }
    if (!hex) {
      return 'wait';
    }
    var slot = Math.floor((now % MINUTE) / SLOT), at = slot % FRAME;
    var bit = (parseInt(hex.charAt(at >> 2), 16) >> (3 - (at & 3))) & 1;
    return (slot < FRAME) === (bit === 1) ? 'bright' : 'dark';
  }

  function draw() {
    var name = started ? state(local() + offset) : 'idle';
    if (!('wakeLock' in navigator)) {
      name += ' sleepy';
    }
    if (document.body.className !== name) {
      document.body.className = name;
    }
  }

  function stayAwake() {
    if (started && !lock && 'wakeLock' in navigator && document.visibilityState === 'visible') {
      navigator.wakeLock.request('screen').then(function (held) {
        lock = held;
        held.addEventListener('release', function () { lock = null; });
      }, function () { lock = null; });
    }
  }

  function start() {
    started = true;
    stayAwake();
    draw();
  }

  function fill() {
    var page = document.documentElement, full = page.requestFullscreen || page.webkitRequestFullscreen;
    var asked = full && full.call(page);
    if (asked && asked.catch) {
      asked.catch(function () { return null; });
    }
  }

  document.getElementById('start').addEventListener('click', function () {
    fill();
    start();
  });
  document.addEventListener('visibilitychange', stayAwake);
  setInterval(ask, ASK);
  setInterval(draw, 20);
  setInterval(stayAwake, 10000);
  ask();
  if (location.hash === '#go') {
    start(); // a kiosk: nobody is there to press anything, and its browser fills the screen already
  }
}());
