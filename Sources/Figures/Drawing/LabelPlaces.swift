/// Places labels as close as possible to `wishes`, in the same order, at least `distance` apart and
/// inside `room`.
///
/// Labels that crowd form a block that stands about the mean of its wishes; blocks that meet join.
///
/// - Precondition: `room` is long enough for all of them.
func spreadOut(_ wishes: [Double], distance: Double, in room: ClosedRange<Double>) -> [Double] {
  struct Block {
    var members: [Int]
    var start: Double
  }
  func start(of members: [Int]) -> Double {
    // The first member's place, where member k stands k distances further.
    let sum = members.enumerated().reduce(0) {
      $0 + wishes[$1.element] - Double($1.offset) * distance
    }
    let length = Double(members.count - 1) * distance
    let latest = max(room.upperBound - length, room.lowerBound)
    return min(max(sum / Double(members.count), room.lowerBound), latest)
  }
  var blocks: [Block] = []
  for index in wishes.indices.sorted(by: { (wishes[$0], $0) < (wishes[$1], $1) }) {
    blocks.append(Block(members: [index], start: start(of: [index])))
    while blocks.count > 1 {
      let (before, last) = (blocks[blocks.count - 2], blocks[blocks.count - 1])
      guard last.start < before.start + Double(before.members.count) * distance else { break }
      let members = before.members + last.members
      blocks.removeLast(2)
      blocks.append(Block(members: members, start: start(of: members)))
    }
  }
  var places = wishes
  for block in blocks {
    for (offset, member) in block.members.enumerated() {
      places[member] = block.start + Double(offset) * distance
    }
  }
  return places
}
