import { histories } from './history/suite.ts'

/** A file of its own runs beside the first on another core. */
histories(1)
