// Swagger UI over this installation's own OpenAPI document. Keys typed in stay in the page and are gone with it.
const place = document.getElementById("swagger-ui");
const root = document.documentElement;
const system = matchMedia("(prefers-color-scheme: dark)");

// Its dark colours hang on a class; ours on the visitor's choice, else on the system's.
const follow = () => root.classList.toggle("dark-mode", root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
follow();
system.addEventListener("change", follow);
document.addEventListener("portico:theme", follow);

// The page has a title, a lead and one main of its own, so of the usual layout this is what remains.
const frame = ({ React, getComponent }) => {
  const make = React.createElement;
  const part = (name, connected) => make(getComponent(name, connected));
  return make(
    "div",
    { className: "swagger-ui" },
    part("SvgAssets"),
    part("errors", true),
    make("div", { className: "reference-bar" }, part("FilterContainer", true), part("AuthorizeBtnContainer", true)),
    part("operations", true),
  );
};
const Frame = (system) => ({
  components: {
    Frame: () => frame(system),
    // A link inside the button that opens an operation can't be reached; opening one sets the address anyway.
    DeepLink: ({ text, children }) => system.React.createElement("span", null, text ?? children),
  },
});

const label = () => place.querySelector(".operation-filter-input")?.setAttribute("aria-label", place.dataset.filter);

fetch(place.dataset.schema).then(async (answer) => {
  const spec = await answer.json();
  // One audience at a time: whoever builds on the API doesn't operate it.
  const paths = Object.entries(spec.paths).filter(([path]) => path.startsWith(`/api/${place.dataset.audience}/`));
  const used = new Set(paths.flatMap(([, operations]) => Object.values(operations).flatMap((operation) => operation.tags)));
  const tags = spec.tags.filter((tag) => used.has(tag.name));
  window.ui = SwaggerUIBundle({
    spec: { ...spec, tags, paths: Object.fromEntries(paths) },
    dom_id: "#swagger-ui",
    presets: [SwaggerUIBundle.presets.apis],
    plugins: [Frame],
    layout: "Frame",
    deepLinking: true,
    docExpansion: "list",
    filter: true,
    persistAuthorization: false,
    displayRequestDuration: true,
    tryItOutEnabled: true,
    validatorUrl: null,
    onComplete: label,
  });
});
