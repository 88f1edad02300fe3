/** Shell files are part of the bundle, as their text. */
declare module '*.sh' {
  const text: string;
  export default text;
}
