// How much each text of a page stands out from what is behind it, as WCAG 2.2 counts it: 4.5 for AA, 3 where it is large.
const parts = (colour) => {
  const [red, green, blue, alpha = 1] = colour.match(/[\d.]+/g).map(Number);
  return { red, green, blue, alpha };
};
const over = (front, back) => {
  const mix = (name) => front[name] * front.alpha + back[name] * (1 - front.alpha);
  return { red: mix("red"), green: mix("green"), blue: mix("blue"), alpha: 1 };
};
const luminance = ({ red, green, blue }) => {
  const [r, g, b] = [red, green, blue].map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = (element) => {
  const layers = [];
  for (let it = element; it; it = it.parentElement) layers.push(parts(getComputedStyle(it).backgroundColor));
  const white = { red: 255, green: 255, blue: 255, alpha: 1 };
  return layers.reduceRight((back, front) => over(front, back), white);
};
const pale = [];
let texts = 0;
for (const element of document.body.querySelectorAll("*")) {
  const own = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.data).join("");
  const text = (own.trim() || element.value || element.placeholder || "").toString().trim();
  if (!text || !element.checkVisibility({ visibilityProperty: true }) || element.matches(":disabled, script, style, option")) continue;
  texts += 1;
  const style = getComputedStyle(element);
  const back = ground(element);
  const ink = over(parts(element instanceof SVGElement ? style.fill : style.color), back);
  const [dark, light] = [luminance(ink), luminance(back)].sort((one, two) => one - two);
  const ratio = (light + 0.05) / (dark + 0.05);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  if (ratio < (large ? 3 : 4.5)) pale.push({ text: text.slice(0, 40), ratio: ratio.toFixed(2), ink: style.color });
}
return { texts, pale };
