// Layout takes its time, which the page does not have
import { place } from './layout';

self.onmessage = (event: MessageEvent<{ n: number; edges: [number, number][] }>) => {
  self.postMessage(place(event.data.n, event.data.edges));
};
