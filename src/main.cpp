#include <app/commands/commands.hpp>
#include <files/pictures.hpp>

int main(int count, char** words) {
    if (haat::files::is_picture_child(count, words)) return haat::files::picture_child(words);
    return haat::app::run_command(count, words);
}
