/// The first of `count` examples, in words.
package func listed(_ examples: [Int], of count: Int) -> String {
  let shown = examples.prefix(8)
  let first = shown.map(String.init).joined(separator: ", ")
  return count > shown.count ? "\(first) and \(Format.count(count - shown.count)) more" : first
}
