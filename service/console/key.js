// The API key: in the memory of this page, and in the tab's storage only where its owner asks for it.
//
//     dialog --use--> key --headers(), protocols()--> calls

const PLACE = "undertone-key";
/** What a WebSocket's subprotocol may consist of (RFC 9110, token). */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

let key = sessionStorage.getItem(PLACE) ?? "";

/** @param {string} value empty: forgotten @param {boolean} keep until the tab is closed */
export function use(value, keep) {
  key = value.trim();
  if (key && keep) sessionStorage.setItem(PLACE, key);
  else sessionStorage.removeItem(PLACE);
}

/** @returns {boolean} */
export function held() {
  return key !== "";
}

/** @returns {boolean} whether it lies in the tab's storage */
export function kept() {
  return sessionStorage.getItem(PLACE) !== null;
}

/** @returns {Record<string, string>} */
export function headers() {
  return key ? { authorization: `Bearer ${key}` } : {};
}

/** @returns {string[]} the subprotocols of a WebSocket, which can have no headers */
export function protocols() {
  return key ? ["bearer", key] : [];
}

/** @returns {boolean} whether a WebSocket can carry it: base64 has `/` and `=`, which it cannot */
export function fits() {
  return !key || TOKEN.test(key);
}
