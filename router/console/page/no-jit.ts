/** First of all: zod makes no code at run time, which the page's policy forbids. */
import { config } from 'zod';

config({ jitless: true });
