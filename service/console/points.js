// Offsets of the service count code points, strings of the browser count UTF-16 units.
//
//     text --Points--> unit(point), point(unit)

/** Where the characters of two units stand in one text. */
export class Points {
  /** @param {string} text without lone surrogates */
  constructor(text) {
    /** @type {number[]} code points that take two units, by their number */
    this.wide = [];
    this.length = 0;
    this.add(text);
  }

  /** @param {string} text that follows */
  add(text) {
    const start = this.length;
    let before = 0;
    for (const found of text.matchAll(/[\u{10000}-\u{10ffff}]/gu)) {
      this.wide.push(start + found.index - before);
      before += 1;
    }
    this.length = start + text.length - before;
  }

  /** @param {number} point @returns {number} the unit at which that code point begins */
  unit(point) {
    return point + below(this.wide, point);
  }

  /** @param {number} unit @returns {number} the code point that the unit belongs to */
  point(unit) {
    let low = 0;
    let high = this.wide.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.wide[middle] + middle < unit) low = middle + 1;
      else high = middle;
    }
    return unit - low;
  }
}

/** @param {number[]} sorted @param {number} limit @returns {number} how many are below */
function below(sorted, limit) {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
