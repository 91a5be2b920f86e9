// Arranges maps beside the page, so that it answers meanwhile.
import type { Plan } from "./layout";
import { positionsOf } from "./positions";

self.onmessage = ({ data }: MessageEvent<Plan>) => self.postMessage(positionsOf(data));
