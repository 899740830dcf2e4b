/** `npm run test:long` plays and draws as much as finds a rare fault; `npm test` has minutes, and does a part of each. */
export const LONG = process.env['LONG'] !== undefined
