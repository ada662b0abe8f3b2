export { default } from "./uplot-types.cjs";
