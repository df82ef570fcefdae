/** IP and MAC addresses. Loopback, masks and what is plainly a version or a section number are left alone. */
import { isIPv6 } from 'node:net';
import type { Finding } from '../findings.ts';
import { isAnnounced } from './cues.ts';

const OCTET = '(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)';
const IPV4 = new RegExp(`(?<![\\w.-])(?:${OCTET}\\.){3}${OCTET}(?![\\w-]|\\.\\d)`, 'g');
const NOBODYS = /^(?:0\.0\.0\.0|127\.|255\.255\.)/;
const VERSION =
  /\b(?:v|vers?|versi[oó]n|release|build|firmware|section|chapter|abschnitt|kapitel|chapitre|secci[oó]n|cap[ií]tulo|ziffer|clause)\.?\s*(?:no\.?|nr\.?)?\s*$/i;
const IP = /\b(?:ip|ipv4|host|server|servidor|serveur|ping|address|adresse|direcci[oó]n)\b/i;

/** Hexadecimal groups with colons; what begins one lies behind no word, colon or dot. */
const IPV6 = /(?<![\w:.])(?=[\da-f]{0,4}:)[\da-f:]{3,39}(?:\d{1,3}(?:\.\d{1,3}){3})?(?![\w:])/gi;

export function findIpAddresses(text: string): Finding[] {
  const found: Finding[] = [];
  IPV4.lastIndex = 0;
  for (let match = IPV4.exec(text); match !== null; match = IPV4.exec(text)) {
    const { 0: address, index: start } = match;
    if (NOBODYS.test(address) || isAnnounced(text, start, VERSION)) continue;
    if (address.length === 7 && !isAnnounced(text, start, IP)) continue;
    found.push({ kind: 'ip', start, end: start + address.length, confidence: 0.95, rule: 'ipv4' });
  }
  IPV6.lastIndex = 0;
  for (let match = IPV6.exec(text); match !== null; match = IPV6.exec(text)) {
    const { 0: address, index: start } = match;
    const bare = address.endsWith(':') && !address.endsWith('::') ? address.slice(0, -1) : address;
    if (!isIPv6(bare) || !/\d/.test(bare) || bare.replaceAll(':', '').length < 4) continue;
    found.push({ kind: 'ip', start, end: start + bare.length, confidence: 0.96, rule: 'ipv6' });
  }
  return found;
}

const MAC =
  /(?<![\w:.-])(?:[\da-f]{2}([:-])[\da-f]{2}(?:\1[\da-f]{2}){4}|[\da-f]{4}\.[\da-f]{4}\.[\da-f]{4})(?![\w]|[:.-]\w)/gi;

export function findMacAddresses(text: string): Finding[] {
  const found: Finding[] = [];
  MAC.lastIndex = 0;
  for (let match = MAC.exec(text); match !== null; match = MAC.exec(text)) {
    const { 0: address, index: start } = match;
    if (/^\d+\.\d+\.\d+$/.test(address) || /^(?:00[:-]){5}00$|^(?:ff[:-]){5}ff$/i.test(address)) continue;
    found.push({ kind: 'mac', start, end: start + address.length, confidence: 0.96, rule: 'mac' });
  }
  return found;
}
