import CKA
import Logging
import Support

/// Tells what happens while devices work.
///
/// - Parameter beginningAnew: whether the next device does all of the work, not what remains.
func report(_ event: Comparison.Event, beginningAnew: Bool = false, to log: Logger) {
  switch event {
  case .finished: break
  case .leftToOthers(let from, let others, let error):
    log.warning(
      "\(from.id) failed, \(others) of those it shared with go on: \(oneLine(error.description))")
  case .fellBack(let from, let to, let error):
    let goesOn = beginningAnew ? "begins anew" : "goes on from the sums so far"
    log.warning("\(from.id) failed, \(to.id) \(goesOn): \(oneLine(error.description))")
  }
}
