import { render } from 'preact';
import './style.css';
import { App } from './app';
import { begin } from './lib/session';

render(<App />, document.getElementById('app')!);
void begin();
