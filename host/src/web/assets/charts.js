// Draws the charts of a page with ECharts. What is drawn comes with the page (business/drawing.rs); colours, number formats and what
// a person does with mouse or keys are added here. Tooltips are drawn on the canvas: as HTML they would carry styles of their own, which the
// content policy refuses.
"use strict";

(() => {
  // Series in order. Each colour has a contrast of at least 3 : 1 with the card, and each pair of neighbours differs in lightness as well as
  // in hue, so that it can be told apart with any kind of colour vision. The patterns of `decal` say it once more where bars are stacked.
  const PALETTE = {
    light: ["#0b6186", "#d2601a", "#5b3a8c"],
    dark: ["#63bfe6", "#cf7233", "#b9e3a5"],
  };
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  const night = window.matchMedia("(prefers-color-scheme: dark)");

  const isDark = () => {
    const chosen = document.documentElement.dataset.theme;
    return chosen === "dark" || (chosen !== "light" && night.matches);
  };

  const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 });
  const money = new Intl.NumberFormat("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const short = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });
  const FORMATS = { brl: (value) => `R$ ${money.format(value)}`, count: (value) => whole.format(value) };
  const list = (value) => (Array.isArray(value) ? value : value === undefined ? [] : [value]);

  // The option with the colours of the page.
  const dressed = ({ option: given, formats }) => {
    const option = structuredClone(given);
    const colour = (name) => window.tidegate.colour(name);
    const [text, soft, line, strong, surface] = ["--text", "--soft", "--line", "--line-strong", "--surface"].map(colour);
    const font = getComputedStyle(document.body).fontFamily;
    const axis = (given) => ({
      ...given,
      nameTextStyle: { color: soft, ...given.nameTextStyle },
      axisLine: { lineStyle: { color: strong }, ...given.axisLine },
      axisTick: { lineStyle: { color: strong }, ...given.axisTick },
      splitLine: { lineStyle: { color: line }, ...given.splitLine },
      axisLabel: { color: soft, hideOverlap: true, ...(given.type === "value" ? { formatter: (value) => short.format(value) } : {}), ...given.axisLabel },
    });
    option.xAxis = list(option.xAxis).map(axis);
    option.yAxis = list(option.yAxis).map(axis);
    option.series = list(option.series).map((series, place) => ({ ...series, tooltip: { valueFormatter: FORMATS[formats[place]] ?? whole.format } }));
    option.dataZoom = list(option.dataZoom).map((zoom) =>
      zoom.type === "slider"
        ? {
            ...zoom,
            borderColor: line,
            fillerColor: colour("--accent-ground"),
            handleStyle: { color: surface, borderColor: strong },
            moveHandleStyle: { color: strong },
            dataBackground: { lineStyle: { color: strong }, areaStyle: { color: line } },
            selectedDataBackground: { lineStyle: { color: colour("--accent") }, areaStyle: { color: colour("--accent-ground") } },
            textStyle: { color: soft },
          }
        : // A finger that moves down over a chart scrolls the page.
          { preventDefaultMouseMove: false, ...zoom },
    );
    const stacked = option.series.some((series) => series.stack);
    return {
      ...option,
      color: PALETTE[isDark() ? "dark" : "light"],
      darkMode: isDark(),
      backgroundColor: "transparent",
      animation: !still.matches,
      animationDuration: 300,
      textStyle: { color: text, fontFamily: font },
      legend: { top: 8, left: 0, textStyle: { color: text }, inactiveColor: soft, ...option.legend },
      tooltip: {
        renderMode: "richText",
        confine: true,
        backgroundColor: surface,
        borderColor: strong,
        textStyle: { color: text, fontFamily: font, fontSize: 12 },
        ...option.tooltip,
      },
      // The place has a name of its own, which says where the values are to be read.
      aria: { enabled: true, label: { enabled: false }, decal: { show: stacked } },
    };
  };

  // With the arrow keys from value to value, what a mouse does by pointing; what is pointed at is told to readers of screens.
  const keys = (place, chart, drawing) => {
    const said = document.createElement("p");
    said.className = "visually-hidden";
    said.setAttribute("aria-live", "polite");
    place.after(said);
    const category = [...list(drawing.option.xAxis), ...list(drawing.option.yAxis)].find((axis) => axis.type === "category");
    const names = category?.data ?? [];
    let at = -1;
    const point = (next) => {
      at = Math.min(Math.max(next, 0), names.length - 1);
      chart.dispatchAction({ type: "showTip", seriesIndex: 0, dataIndex: at });
      const values = list(drawing.option.series).map((series, place) => `${series.name} ${(FORMATS[drawing.formats[place]] ?? String)(series.data[at])}`);
      said.textContent = `${names[at]}: ${values.join(", ")}`;
    };
    const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 10, PageUp: -10 };
    place.addEventListener("keydown", (event) => {
      if (!names.length || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key in steps) point(at + steps[event.key]);
      else if (event.key === "Home") point(0);
      else if (event.key === "End") point(names.length - 1);
      else if (event.key === "Escape") chart.dispatchAction({ type: "hideTip" });
      else return;
      event.preventDefault();
    });
    place.addEventListener("blur", () => chart.dispatchAction({ type: "hideTip" }));
  };

  const drawn = new Map();

  const draw = (place) => {
    const drawing = JSON.parse(document.getElementById(place.dataset.chart).textContent);
    const chart = window.echarts.init(place, null, { renderer: "canvas" });
    chart.setOption(dressed(drawing));
    keys(place, chart, drawing);
    drawn.set(place, { chart, drawing });
  };

  const again = () => {
    for (const { chart, drawing } of drawn.values()) chart.setOption(dressed(drawing));
  };

  document.addEventListener("DOMContentLoaded", () => {
    const sizes = new ResizeObserver((entries) => {
      for (const { target } of entries) drawn.get(target)?.chart.resize({ animation: { duration: 0 } });
    });
    const begin = (place) => {
      near.unobserve(place);
      draw(place);
      sizes.observe(place);
    };
    // Charts below the window are drawn when they come near it, so that the first of them is not late.
    const near = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries) if (isIntersecting && !drawn.has(target)) begin(target);
      },
      { rootMargin: "400px" },
    );
    const places = document.querySelectorAll(".canvas[data-chart]");
    for (const place of places) near.observe(place);
    night.addEventListener("change", again);
    still.addEventListener("change", again);
    new MutationObserver(again).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    // Paper shows what is on the canvases right after this: all charts, none of them still moving or waiting for a frame.
    window.addEventListener("beforeprint", () => {
      for (const place of places) {
        if (!drawn.has(place)) begin(place);
        const { chart } = drawn.get(place);
        chart.resize({ animation: { duration: 0 } });
        chart.getZr().flush();
      }
    });
  });
})();
