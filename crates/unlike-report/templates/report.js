"use strict";
(() => {
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const tiles = all("#gallery .tile");

  const mark = (threshold) => tiles.forEach((tile) => {
    const flagged = threshold !== null && Number(tile.dataset.score) >= threshold;
    tile.classList.toggle("is-flagged", flagged);
    one(".state", tile).textContent = flagged ? tile.dataset.flagged : tile.dataset.passed;
  });

  const data = one("#threshold-steps");
  if (data) {
    const { template, in_use, steps } = JSON.parse(data.textContent);
    const slider = one("#threshold-slider");
    const back = one("#threshold-back");
    const cells = all("#threshold .live dd");
    const move = () => {
      const at = Number(slider.value);
      const [threshold, text] = steps[at];
      const words = template.replace(/\{(\d+)\}/g, (_, i) => text[i]);
      one("#threshold-words").textContent = words;
      slider.setAttribute("aria-valuetext", words);
      back.disabled = at === in_use;
      cells.forEach((cell, i) => {
        one(".value", cell).textContent = text[2 + i];
        if (i >= 3) one("small", cell).textContent = text[5 + i];
      });
      mark(threshold);
    };
    slider.addEventListener("input", move);
    back.addEventListener("click", () => {
      slider.value = in_use;
      move();
      slider.focus();
    });
    one("#slider").hidden = false;
    /* A browser that goes back to the page may have kept the slider where it was. */
    slider.value = in_use;
    move();
  }

  const dialog = one("#enlarged");
  if (dialog) {
    let shown = 0;
    const show = (at) => {
      shown = (at + tiles.length) % tiles.length;
      const copy = tiles[shown].cloneNode(true);
      const picture = one(".picture", copy);
      ["role", "tabindex", "aria-label"].forEach((name) => picture.removeAttribute(name));
      one(".large", dialog).replaceChildren(copy);
      one(".place", dialog).textContent = `${shown + 1} of ${tiles.length}`;
    };
    const step = (by) => show(shown + by);
    const open = (at) => {
      show(at);
      dialog.showModal();
    };
    tiles.forEach((tile, at) => {
      const picture = one(".picture", tile);
      picture.tabIndex = 0;
      picture.setAttribute("role", "button");
      picture.setAttribute("aria-label", `Enlarge ${one(".id", tile).textContent}`);
      picture.addEventListener("click", () => open(at));
      picture.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          open(at);
        }
      });
    });
    dialog.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (by) {
        event.preventDefault();
        step(by);
      }
    });
    /* The dialog itself is hit only beside what it holds. */
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
    /* The reader goes on where the last image is. */
    dialog.addEventListener("close", () => one(".picture", tiles[shown]).focus());
    one(".previous", dialog).addEventListener("click", () => step(-1));
    one(".next", dialog).addEventListener("click", () => step(1));
    one(".close", dialog).addEventListener("click", () => dialog.close());
    all(".switch", dialog).forEach((button) => {
      const box = document.getElementById(button.dataset.of);
      const tell = () => button.setAttribute("aria-pressed", box.checked);
      button.addEventListener("click", () => {
        box.checked = !box.checked;
        tell();
      });
      box.addEventListener("change", tell);
      tell();
    });
  }
})();
