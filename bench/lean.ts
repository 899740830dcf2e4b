// As `main.ts` does it, before anything else is loaded: what is measured is the process as it is shipped.
import { setFlagsFromString } from 'node:v8'

setFlagsFromString('--semi-space-growth-factor=1')
