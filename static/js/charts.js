// Draws <c-chart>: reads the JSON beside it, plots by uPlot in the theme's colours, redraws when theme or width change.

const colour = (name) => {
  const probe = document.createElement("i");
  probe.style.color = `var(--color-${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
};
const faded = (rgb, share) => rgb.replace(/^rgb\((.*)\)$/, (_, inner) => `rgba(${inner}, ${share})`);

const load = (() => {
  let loading;
  return () =>
    (loading ??= new Promise((resolve) => {
      const base = new URL("../vendor/uplot/", import.meta.url);
      const style = Object.assign(document.createElement("link"), { rel: "stylesheet", href: new URL("uPlot.min.css", base) });
      const script = Object.assign(document.createElement("script"), { src: new URL("uPlot.iife.min.js", base), onload: resolve });
      document.head.append(style, script);
    }));
})();

const day = 86400;
const counts = [0, 1, 2, 3, 4, 5, 6, 7, 8].flatMap((power) => [1, 2, 5].map((step) => step * 10 ** power));
// As the pages write dates: the day before the month.
const locale = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;
const days = new Intl.DateTimeFormat(locale, { month: "short", day: "numeric", timeZone: "UTC" });
const hours = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: "UTC" });

// The legend says the values under the pointer; the table below has all of them.
const tell = (place, data) => (plot) => {
  const legend = place.closest(".chart").querySelector(".chart-legend");
  const at = plot.cursor.idx;
  const step = data.at.length > 1 ? data.at[1] - data.at[0] : day;
  const time = at == null ? "" : new Date(data.at[at] * 1e3).toISOString().replace("T", " ").slice(0, step >= day ? 10 : 16);
  legend.querySelectorAll("[data-value]").forEach((value, index) => {
    const number = at == null ? null : data.series[index].values[at];
    value.textContent = number == null ? "" : number.toLocaleString() + (data.unit && ` ${data.unit}`);
  });
  legend.querySelector("[data-at]").textContent = time;
};

const options = (place, data, width, height) => {
  const text = colour("muted");
  const line = colour("line");
  const bars = data.kind === "bars";
  const step = data.at.length > 1 ? data.at[1] - data.at[0] : day;
  const axis = { stroke: text, grid: { stroke: line, width: 1 }, ticks: { show: false }, font: "12px Inter Variable, sans-serif" };
  const compact = new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 });
  return {
    width,
    height,
    tzDate: (at) => uPlot.tzDate(new Date(at * 1e3), "Etc/UTC"),
    cursor: { points: { size: 6 }, y: false },
    legend: { show: false },
    hooks: { setCursor: [tell(place, data)] },
    padding: [8, 8, 0, 0],
    scales: {
      x: { range: (_, low, high) => (bars ? [low - step / 2, high + step / 2] : [low, high]) },
      y: { range: (_, low, high) => [Math.min(0, low), high > 0 ? high * 1.1 : 1] },
    },
    axes: [
      { ...axis, grid: { show: false }, values: (_, times, __, ___, every) => times.map((at) => (every >= day || (at % day === 0 && times.length * every > day) ? days : hours).format(at * 1e3)) },
      // What has no unit is counted: nothing between two marks that are one apart.
      { ...axis, size: 56, ...(data.unit ? {} : { incrs: counts }), values: (_, values) => values.map((value) => compact.format(value) + (data.unit && ` ${data.unit}`)) },
    ],
    series: [
      {},
      ...data.series.map((series, index) => {
        const stroke = colour(series.tone === "accent" ? "accent-text" : `${series.tone}-text`);
        return {
          label: series.label,
          stroke,
          width: bars ? 0 : 1.75,
          fill: faded(stroke, bars ? (index ? 1 : 0.55) : 0.08),
          points: { show: false },
          paths: bars ? uPlot.paths.bars({ size: [0.7, 28], radius: 0.15 }) : uPlot.paths.spline(),
        };
      }),
    ],
  };
};

const plot = (place) => {
  const data = JSON.parse(document.getElementById(place.dataset.chart).textContent);
  if (!data.at.length) return;
  place.replaceChildren();
  new uPlot(options(place, data, place.clientWidth, place.clientHeight), [data.at, ...data.series.map((s) => s.values)], place);
};

export const draw = async () => {
  await load();
  const places = document.querySelectorAll("[data-chart]");
  places.forEach(plot);
  document.addEventListener("portico:theme", () => places.forEach(plot));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => places.forEach(plot));
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth !== width) places.forEach(plot);
    width = innerWidth;
  });
};
