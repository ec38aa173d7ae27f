/** The package's version, for whoever reads a report. A test holds it to package.json. */
export const VERSION = '0.1.0';
