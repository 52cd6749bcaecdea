/// Wilson's 95 % interval of a share of `count` independent trials (Wilson 1927): unlike a normal one, it
/// stays within 0 and 1.
public func wilsonInterval(_ share: Double, of count: Int) -> ClosedRange<Double> {
  let n = Double(count)
  let z = 1.959963984540054
  let center = (share + z * z / (2 * n)) / (1 + z * z / n)
  let reach = z / (1 + z * z / n) * (share * (1 - share) / n + z * z / (4 * n * n)).squareRoot()
  return max(min(center - reach, share), 0)...min(max(center + reach, share), 1)
}
