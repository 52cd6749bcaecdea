// Numbers: how they are kept in the page, and how people read them.

const kept = new Map();

/** The bytes of a block. */
function bytesOf(block) {
  const text = atob(document.getElementById(`numbers-${block.id}`).textContent);
  const bytes = new Uint8Array(text.length);
  for (let index = 0; index < bytes.length; index += 1) bytes[index] = text.charCodeAt(index);
  return bytes;
}

/**
 * The numbers of one block of the page, NaN where there is none; decoded when they are first needed.
 *
 * `float32` is little-endian. `uint16` cuts low…high into 65534 steps; 65535 is NaN.
 */
function numbers(block) {
  if (kept.has(block.id)) return kept.get(block.id);
  const { buffer } = bytesOf(block);
  let values;
  if (block.type === "float32") {
    values = new Float32Array(buffer);
  } else {
    const step = (block.high - block.low) / 65534;
    values = Float32Array.from(new Uint16Array(buffer), (code) =>
      code === 65535 ? NaN : block.low + code * step);
  }
  kept.set(block.id, values);
  return values;
}

/** The codes of statuses, a byte a cell. */
function codes(block) {
  if (!kept.has(block.id)) kept.set(block.id, bytesOf(block));
  return kept.get(block.id);
}

/** A number with four digits behind the point, or as many significant ones. */
function readable(value) {
  if (Number.isNaN(value)) return "undefined";
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude < 1e-3 || magnitude >= 1e6)) {
    return value.toExponential(2).replace("-", "−").replace("e-", "e−");
  }
  return (magnitude >= 100 ? value.toFixed(1) : value.toFixed(4)).replace("-", "−");
}

/** A number beside a tick: no more digits than it needs. */
function tickText(value) {
  if (value === 0) return "0";
  const magnitude = Math.abs(value);
  if (magnitude < 1e-3 || magnitude >= 1e5) {
    const exponent = Math.floor(Math.log10(magnitude) + 1e-9);
    const factor = Number((value / 10 ** exponent).toPrecision(3));
    return `${factor}e${exponent}`.replaceAll("-", "−");
  }
  return String(Number(value.toPrecision(6))).replace("-", "−");
}

/** Round numbers that divide low…high into about `count` parts. */
function linearTicks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
  const ticks = [];
  for (let tick = Math.ceil(low / step - 1e-9); tick * step <= high + step * 1e-9; tick += 1) {
    ticks.push(tick * step);
  }
  return ticks;
}

/** Powers of ten in low…high; where they are few, their multiples by 2 and 5 too. */
function logarithmicTicks(low, high) {
  const decades = Math.log10(high / low);
  const factors = decades > 3 ? [1] : [1, 2, 5];
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    for (const factor of factors) {
      const tick = factor * 10 ** power;
      if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push(tick);
    }
  }
  return ticks;
}
