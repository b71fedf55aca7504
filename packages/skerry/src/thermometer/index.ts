export { runThermometer } from "./run-thermometer.ts";
export { Thermometer, type ThermometerOptions } from "./thermometer.ts";
