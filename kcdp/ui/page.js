// What Gradio leaves out of the page: its true language, names of buttons that only have a picture, one name for the
// radio buttons of a group (arrow keys need it), keys for tabs and for what scrolls, and answers
// in sight of whoever asked.
(() => {
  const languages = LANGUAGES;
  const match = (wanted) => {
    const name = wanted.toLowerCase();
    if (/^zh(-hant|-tw|-hk|-mo)/.test(name)) return "zh-TW";
    if (name.startsWith("zh")) return "zh-CN";
    return languages.find((one) => one === name.split("-")[0]);
  };
  const language = navigator.languages.map(match).find(Boolean) || "en";
  // Gradio takes the browser's first language only where it has that very name: English for zh-HK, zh-SG and zh. This is
  // read before Gradio's own script.
  Object.defineProperty(navigator, "language", { get: () => language });
  const root = document.documentElement;
  const mend = () => {
    if (root.lang !== language) root.lang = language;
    document.querySelectorAll("button.gallery-item").forEach((button) => {
      const source = button.querySelector("img")?.src;
      if (!source) return; // it has words of its own
      const name = decodeURIComponent(source.split("/").pop().split(".")[0]);
      const label = name ? `Example: ${name}` : "Example";
      if (button.getAttribute("aria-label") !== label) button.setAttribute("aria-label", label);
    });
    // A button around another one is no button to who hears the page.
    document.querySelectorAll("button.icon-button:has(button):not([role=group])").forEach((outer) => {
      outer.setAttribute("role", "group");
      outer.setAttribute("aria-label", "Upload");
      outer.tabIndex = -1;
    });
    // Its tables are wider than a narrow page: what scrolls has to be reached by keys.
    const card = document.querySelector("#card");
    if (card && card.tabIndex < 0) card.tabIndex = 0;
    document.querySelectorAll("fieldset").forEach((group, number) => {
      const name = `radio-group-${number}`;
      group.querySelectorAll("input[type=radio]").forEach((input) => {
        if (input.name !== name) input.name = name;
      });
    });
  };
  let waiting = false;
  const soon = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      mend();
    });
  };
  // Gradio's picture field takes what calls itself a picture and shows no other files to choose. Here the server tells what a
  // file is, and says why where it cannot be read.
  const isPicture = (file) => file.type.startsWith("image/");
  const asPictures = (files) => {
    const given = new DataTransfer();
    for (const file of files)
      given.items.add(isPicture(file) ? file : new File([file], file.name, { type: "image/unknown" }));
    return given;
  };
  const inField = (element) => element instanceof Element && element.closest("#picture, #refeel-picture, #refeel-other");
  const isInput = (element) => inField(element) && element.matches("input[type=file]");
  addEventListener("click", ({ target }) => isInput(target) && (target.accept = ACCEPTED), true);
  addEventListener(
    "change",
    ({ target }) => {
      if (isInput(target) && ![...target.files].every(isPicture)) target.files = asPictures(target.files).files;
    },
    true,
  );
  addEventListener(
    "drop",
    (event) => {
      const files = [...(event.dataTransfer?.files || [])];
      if (!inField(event.target) || files.every(isPicture)) return;
      event.preventDefault();
      event.stopPropagation();
      const options = { bubbles: true, cancelable: true, dataTransfer: asPictures(files) };
      event.target.dispatchEvent(new DragEvent("drop", options));
    },
    true,
  );
  // Tabs are gone through by arrow keys, as those of other programs are.
  const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
  addEventListener("keydown", (event) => {
    if (!(event.key in steps) || !event.target.matches?.("[role=tab]")) return;
    const tabs = [...event.target.parentElement.querySelectorAll("[role=tab]")];
    const place = tabs.indexOf(event.target) + steps[event.key];
    const next = tabs[Number.isFinite(place) ? (place + tabs.length) % tabs.length : place < 0 ? 0 : tabs.length - 1];
    event.preventDefault();
    next.focus();
    next.click();
  });
  // Gradio leaves a list open over the next fields when somebody goes on by keys; what was typed it has taken by then.
  const closed = () => new KeyboardEvent("keydown", { key: "Escape", bubbles: true });
  addEventListener("focusout", ({ target }) => {
    if (target.matches?.("input[role=combobox]")) setTimeout(() => target.dispatchEvent(closed()));
  });
  // On a narrow page what a painting or a reading says is far below its button, and pictures above it come later: it is kept in
  // sight until it has said something and stands still, or somebody scrolls.
  const answers = { make: "verdict", row: "verdict", column: "verdict", strip: "verdict", read: "status" };
  let following;
  const follow = (tab, card) => {
    let calm = 0;
    following = setInterval(() => {
      // Before and after, side by side, are what an edit is judged by; they are not on the page until there are some.
      const shown = document.getElementById(`${tab}-compared`) || card;
      const { top } = shown.getBoundingClientRect();
      const inSight = top >= 0 && top <= innerHeight - 120;
      if (!inSight) shown.scrollIntoView({ block: "center" });
      calm = inSight && card.querySelector(".kc-verdict") ? calm + 1 : 0;
      if (calm > 3) clearInterval(following);
    }, 300);
  };
  ["wheel", "touchmove", "keydown"].forEach((kind) => addEventListener(kind, () => clearInterval(following), true));
  addEventListener("click", ({ target }) => {
    const button = target instanceof Element && target.closest("button[id]");
    const [tab, what] = button ? button.id.split("-") : [];
    const card = document.getElementById(`${tab}-${answers[what]}`);
    clearInterval(following);
    if (card) follow(tab, card);
  });
  // Gradio names a radio button anew whenever it is chosen.
  const watched = { childList: true, subtree: true, attributes: true, attributeFilter: ["lang", "name"] };
  new MutationObserver(soon).observe(root, watched);
  addEventListener("DOMContentLoaded", mend);
})();
