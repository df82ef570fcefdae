/** Owns reading the certificate and its key (S7), and saying which of them is wrong before a client would find out. */
import { X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import tls from 'node:tls';
import { SettingsError } from '../../shared/settings.ts';

/** PEM texts. */
export interface TlsTexts {
  readonly cert: string;
  readonly key: string;
}

/** @throws SettingsError naming the variable, what was expected and what to do */
export function readTls({ certFile, keyFile }: { readonly certFile: string; readonly keyFile: string }): TlsTexts {
  const texts = { cert: readPem('MCP_TLS_CERT', certFile), key: readPem('MCP_TLS_KEY', keyFile) };
  try {
    new X509Certificate(texts.cert);
  } catch {
    throw new SettingsError([`MCP_TLS_CERT: expected a certificate in PEM form, got something else in ${certFile}.`]);
  }
  try {
    tls.createSecureContext(texts);
  } catch {
    throw new SettingsError([
      `MCP_TLS_KEY: expected the private key (PEM, without a passphrase) of the certificate in MCP_TLS_CERT, got something else in ${keyFile}.`,
    ]);
  }
  return texts;
}

function readPem(name: string, file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new SettingsError([`${name}: expected a file that can be read, got ${code} for ${file}.`]);
  }
}
