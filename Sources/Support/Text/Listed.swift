/// The first of `count` things, such as examples or the names of models, in words.
package func listed(_ things: [some CustomStringConvertible], of count: Int) -> String {
  let shown = things.prefix(8)
  let first = shown.map(\.description).joined(separator: ", ")
  return count > shown.count ? "\(first) and \(Format.count(count - shown.count)) more" : first
}
