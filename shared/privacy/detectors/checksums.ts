/** Check digits of cards, accounts and identity numbers. Each takes the bare characters, without separators. */

/** ISO/IEC 7812-1, annex B. */
export function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = digits.length - 1, doubled = false; i >= 0; i--, doubled = !doubled) {
    const digit = digits.charCodeAt(i) - 48;
    sum += doubled ? (digit > 4 ? 2 * digit - 9 : 2 * digit) : digit;
  }
  return sum % 10 === 0;
}

/** ISO 13616: the first four characters go to the end, letters count from 10, the whole is 1 modulo 97. */
export function passesIbanCheck(iban: string): boolean {
  return remainder(iban.slice(4) + iban.slice(0, 4), 97) === 1;
}

/** German tax number: no leading nought, one digit twice or three times among the first ten, ISO 7064 mod 11,10 at the end. */
export function passesSteuerIdCheck(digits: string): boolean {
  if (!/^[1-9]\d{10}$/.test(digits)) return false;
  const first = digits.slice(0, 10);
  const most = Math.max(...[...first].map((digit) => first.split(digit).length - 1));
  const different = new Set(first).size;
  if (!(most === 2 && different === 9) && !(most === 3 && different === 8)) return false;
  let product = 10;
  for (const digit of first) {
    const sum = (Number(digit) + product) % 10 || 10;
    product = (sum * 2) % 11;
  }
  return (11 - product) % 10 === Number(digits[10]);
}

/** ICAO 9303-3: weights 7, 3, 1; letters count from 10. German identity cards end with it. */
export function passesDocumentCheck(number: string): boolean {
  let sum = 0;
  for (let i = 0; i < number.length - 1; i++) sum += Number.parseInt(number[i]!, 36) * [7, 3, 1][i % 3]!;
  return sum % 10 === Number(number.at(-1));
}

/** French NIR of 15 characters: key = 97 - (number mod 97); Corsica's 2A and 2B count as 19 and 18. */
export function passesNirCheck(nir: string): boolean {
  const number = nir.slice(0, 13).toUpperCase().replace('2A', '19').replace('2B', '18');
  return 97 - remainder(number, 97) === Number(nir.slice(13));
}

/** Spanish DNI and NIE: the letter follows from the number modulo 23; X, Y, Z in front count 0, 1, 2. */
export function passesDniCheck(id: string): boolean {
  const number = id.slice(0, -1).replace(/^[XYZ]/, (letter) => String('XYZ'.indexOf(letter)));
  return 'TRWAGMYFPDXBNJZSQVHLCKE'[Number(number) % 23] === id.at(-1);
}

function remainder(characters: string, modulus: number): number {
  let rest = 0;
  for (let i = 0; i < characters.length; i++) {
    const value = Number.parseInt(characters[i]!, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % modulus;
  }
  return rest;
}
