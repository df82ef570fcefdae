/** The page: starts it, and nothing else. */
import './no-jit.ts';
import { render } from 'preact';
import { App } from './app.tsx';

render(<App />, document.getElementById('app')!);
